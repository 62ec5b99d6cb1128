"""The service that drills run on: the running one, or one in this process."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from trimtab.cli.drills.small_disk import SmallDisk
from trimtab.cli.monitoring.catalog import faults_off
from trimtab.cli.runtime.errors import Refused
from trimtab.cli.runtime.session import Session

if TYPE_CHECKING:
    from trimtab.infra.settings import Settings


class Drilled(Protocol):
    """A service that takes drills."""

    def causes(self) -> list[dict[str, Any]]:
        """Return every cause: ``id``, ``drill``, ``proven``."""
        ...

    def follow(self, cause: str, timeout_seconds: float) -> Iterator[dict[str, Any]]:
        """Run a drill; yield each ``stage``, and last ``result`` or ``error``."""
        ...

    def proofs(self) -> str:
        """Return the proofs that hold, as the file that ships with the library."""
        ...

    def stop(self) -> None:
        """End what still runs; returns when every fault is put back."""
        ...


class RunningService:
    """The service that answers to the command line's options."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._following = False

    def causes(self) -> list[dict[str, Any]]:
        """Ask the service for its causes."""
        body = self._session.client.call("GET", "/v1/runbooks")
        return [cause for book in body["runbooks"] for cause in book.get("causes", ())]

    def follow(self, cause: str, timeout_seconds: float) -> Iterator[dict[str, Any]]:
        """Follow the drill over the control socket."""
        request = {"cause": cause, "timeout_seconds": timeout_seconds}
        self._following = True
        try:
            yield from self._session.client.lines("/v1/drills", request)
        except Refused as refused:
            self._following = False
            raise faults_off(refused) from None
        self._following = False

    def proofs(self) -> str:
        """Ask the service for its proofs."""
        return self._session.client.text("/v1/drills/proofs")

    def stop(self) -> None:
        """Stop the drill that was left in the middle, if one was."""
        if self._following:
            self._session.client.call("DELETE", "/v1/drills")


class OwnService:
    """A service in this process on a fresh data directory with the handbook; `stop` removes it.

    Args:
        settings: Those of the command; data directory, clock and drills are its own.
        speed: Seconds of its clock per second of the machine.
    """

    def __init__(self, settings: "Settings", speed: float) -> None:
        from trimtab.app import build
        from trimtab.infra.interpreter import prepare_process

        prepare_process()
        # The drill reports its own faults, so they are not logged.
        logging.basicConfig(level=logging.CRITICAL)
        # The file system and directory are removed also if the service fails to start or close.
        with ExitStack() as undo:
            folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="trimtab-drills-"))
            # A real full disk needs a disk that may be filled.
            disk = SmallDisk(Path(folder) / "data")
            undo.callback(disk.close)
            service = replace(settings.service, data_dir=disk.folder, clock_rate=speed, drills=True)
            # A vector server is shared with others, so no fault is injected there.
            # Without an own disk, the free space of this machine must not affect the drill.
            floor = settings.knowledge.disk_min_free_gb if not disk.problem else 0.0
            knowledge = replace(settings.knowledge, engine="embedded", disk_min_free_gb=floor)
            # The next run of the gates finds changed evidence; it must not take minutes here.
            gates = replace(settings.gates, interval_seconds=60.0)
            self._app = build(replace(settings, service=service, knowledge=knowledge, gates=gates))
            undo.callback(self._app.close)
            self._app.start(handbook=False)
            self._app.handbook.ingest()
            self._undo = undo.pop_all()

    def causes(self) -> list[dict[str, Any]]:
        """Return the causes of the library."""
        from trimtab.incidents import proof_entry

        return [
            {
                "id": cause.id,
                "drill": [str(fault) for fault in cause.drill],
                "drillable": self._app.library.provides(book),
                **proof_entry(self._app.proofs.find(book, cause)),
            }
            for book, cause in self._app.library.causes()
        ]

    def follow(self, cause: str, timeout_seconds: float) -> Iterator[dict[str, Any]]:
        """Follow the drill in this process."""
        return self._app.drills.follow(cause, timeout_seconds)

    def proofs(self) -> str:
        """Return its proofs."""
        return self._app.proofs.export(self._app.library)

    def stop(self) -> None:
        """Put everything back, end the service and remove its directory."""
        self._undo.close()
