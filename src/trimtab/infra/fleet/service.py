"""Facade of the fleet: this process's heartbeat, leadership and common changes."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from trimtab.infra.background import PeriodicTask
from trimtab.infra.fleet.records import (
    BEAT_SECONDS,
    PARK_SECONDS,
    FleetProcess,
    ProcessIdentity,
)
from trimtab.infra.fleet.shared import SharedValue
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.errors import Unavailable
from trimtab.kernel.health import ComponentHealth, Status

if TYPE_CHECKING:
    # It imports the driver of PostgreSQL, which a process on SQLite does not need.
    from trimtab.infra.fleet.store import FleetStore

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0
"""Interval at which common changes are read."""
_TRUST_SECONDS = 15.0
"""A leader trusts the confirmation of its lock for that long."""
_RETRY_SECONDS = 5


class NotInTouch(Unavailable):
    """The process has had no contact with the fleet's database for too long to answer."""

    code = "fleet.not_in_touch"
    default_hint = "Repeat the call; another process answers, or this one when the database does."
    retry_after_seconds = _RETRY_SECONDS


class Fleet:
    """The processes on one database, as this process takes part in them.

    Without a store this process is alone: it leads, it answers, and its changes apply at once.

    Args:
        me: This process.
        store: The fleet's tables; None on SQLite.
        clock: Of the process.
    """

    def __init__(self, me: ProcessIdentity, store: "FleetStore | None", clock: Clock) -> None:
        self.me = me
        self._store = store
        self._clock = machine_clock(clock)
        self._address = ""
        self._drops: dict[str, Callable[[], object]] = {}
        self._switches: dict[str, SharedValue] = {}
        self._applied = 0
        self._began = self._clock.monotonic()
        self._beat_at: float | None = None
        self._confirmed_at: float | None = None
        self._is_cut = False
        self._round_lock = threading.Lock()
        self.task = PeriodicTask("fleet", self._look, _LOOK_SECONDS, self._clock)

    @property
    def shared(self) -> bool:
        """True if other processes may use the same database."""
        return self._store is not None

    @property
    def silent_seconds(self) -> float:
        """Seconds since the last heartbeat, or since the process was built; 0 if alone."""
        if self._store is None:
            return 0.0
        at = self._beat_at
        return self._clock.monotonic() - (self._began if at is None else at)

    def serve_at(self, address: str) -> None:
        """Set the base URL at which other processes reach this one, before `start`."""
        self._address = address

    def on_forget(self, name: str, drop: Callable[[], object]) -> None:
        """Register what drops a part of this process's memory when people's data is erased."""
        if name in self._drops:
            raise ValueError(f"memory {name!r} is registered twice")
        self._drops[name] = drop

    def share(self, name: str, read: Callable[[], Any], apply: Callable[[Any], object]) -> None:
        """Share a value in memory: what changes here is in force in every process within seconds.

        Args:
            name: ``domain.thing``.
            read: Returns the value in force here, ready for JSON.
            apply: Puts a value of another process in force.
        """
        if name in self._switches:
            raise ValueError(f"value {name!r} is shared twice")
        self._switches[name] = SharedValue(name, read, apply)

    def start(self) -> None:
        """Join the fleet and begin the heartbeat.

        Raises:
            Unavailable: The database does not answer.
        """
        if self._store is not None:
            self.join()
            self.task.start()

    def join(self) -> None:
        """Take over what the other processes share, and beat for the first time."""
        for value in self._switches.values():
            value.note_current()  # What is in force at the start is not a change.
        self.round()

    def close(self) -> None:
        """Leave the fleet, so that others continue this process's work at once."""
        if self._store is None:
            return
        self.task.close()
        try:
            if self._beat_at is not None:
                self._store.leave(self.me.id)
        except Unavailable as error:
            _log.warning("could not leave the fleet", extra={"reason": error.message})
        self._beat_at = self._confirmed_at = None
        self._store.close()

    def leads(self) -> bool:
        """Return whether this process runs what only one process may run.

        Ask before each round of work. Two processes may lead for a moment, so work must be safe to
        repeat.
        """
        if self._store is None:
            return True
        at = self._confirmed_at
        return at is not None and self._clock.monotonic() - at < _TRUST_SECONDS

    def led(self, work: Callable[[], object]) -> Callable[[], object]:
        """Return work that does nothing in a process that does not lead."""
        return lambda: work() if self.leads() else None

    def refusal(self) -> NotInTouch | None:
        """Return why this process must not answer now, or None.

        Its memory may hold what was erased or switched off since its last contact.
        """
        if self._store is None:
            return None
        if self._beat_at is None:
            return NotInTouch("This process is not part of the fleet yet, or has left it.")
        if (silent := self.silent_seconds) < PARK_SECONDS:
            return None
        return NotInTouch(f"This process lost contact with its database {silent:.0f} s ago.")

    def processes(self) -> list[FleetProcess]:
        """Return every process, the oldest first."""
        if self._store is not None:
            return self._store.processes()
        me, uptime = self.me, self._clock.monotonic() - self._began
        alone = FleetProcess(
            me.id,
            me.roles,
            self._address,
            me.release,
            me.host,
            uptime,
            silent_seconds=0.0,
            applied=0,
            is_live=True,
            leader=True,
        )
        return [alone]

    def switches(self) -> dict[str, Any]:
        """Return the shared values that are in force in this process, by name."""
        return {name: self._switches[name].read() for name in sorted(self._switches)}

    def latest(self) -> int:
        """Return the number of the newest common change; 0 for a process alone."""
        return 0 if self._store is None else self._store.numbers().latest

    @contextmanager
    def claimed(self, name: str, seconds: float) -> Iterator[bool]:
        """Claim a piece of work for this process; yield whether it has the claim.

        A claim ends with the block, or after the time when the process ends before. On SQLite
        there is no one else, so every claim succeeds.
        """
        store = self._store
        if store is None:
            yield True
            return
        held = store.claim(name, self.me.id, seconds)
        try:
            yield held
        finally:
            if held:
                with suppress(Unavailable):  # It ends by itself.
                    store.release(name, self.me.id)

    def remove(self, process_id: str) -> None:
        """Remove a lost process for which nothing is left to do."""
        if self._store is not None:
            self._store.remove(process_id)

    def order_to_forget(self) -> int:
        """Order every process to drop its memory; return the number for `behind`.

        A process alone has dropped it in the steps of the erasure.
        """
        if self._store is None:
            return 0
        return self._store.order_to_forget()

    def behind(self, number: int) -> list[str]:
        """Return the ids of the live processes that have not applied a change yet."""
        if self._store is None:
            return []
        return [p.id for p in self._store.processes() if p.is_live and p.applied < number]

    def health(self) -> ComponentHealth:
        """Return DOWN while this process must not answer."""
        if (refusal := self.refusal()) is not None:
            return ComponentHealth(Status.DOWN, refusal.message)
        return ComponentHealth(Status.UP, facts={"process": self.me.id, "leads": self.leads()})

    def round(self) -> None:
        """Apply new changes, then beat when it is time, and take or confirm the lead."""
        store, began = self._store, self._clock.monotonic()
        assert store is not None  # noqa: S101 - a process alone has no rounds.
        with self._round_lock:
            if self._beat_at is not None:
                for value in self._switches.values():
                    value.publish(store.set_switch)
            numbers = store.numbers()
            changed = numbers.latest > self._applied or self._beat_at is None
            if changed:
                # Before the heartbeat: who beats has applied what it says.
                self._apply(store, numbers.forget)
                self._applied = numbers.latest
            if changed or self._beat_at is None or began - self._beat_at >= BEAT_SECONDS:
                store.beat(self.me, self._address, self._applied, leads=self.leads())
                self._beat_at = began
                self._lead(store, began)

    def _lead(self, store: "FleetStore", began: float) -> None:
        before, held = self.leads(), store.lead()
        self._confirmed_at = began if held else None
        if held != before:
            _log.info("leads the fleet" if held else "leads the fleet no more")
            store.beat(self.me, self._address, self._applied, leads=held)

    def _apply(self, store: "FleetStore", forget: int) -> None:
        if forget > self._applied:
            self._drop()
        # A process that joins applies all switches, also those set before.
        for name, value in store.switches(self._applied):
            if shared := self._switches.get(name):
                shared.adopt(value)

    def _drop(self) -> None:
        for drop in self._drops.values():
            drop()

    def _look(self) -> None:
        try:
            self.round()
        except Unavailable as error:
            # Once, not each second; the health shows it as long as it lasts.
            if not self._is_cut:
                _log.warning("no contact with the fleet", extra={"reason": error.message})
            self._is_cut = True
        else:
            self._is_cut = False
