"""`ingest --prune`: deletes the documents of files that are no longer in their folder."""

from collections.abc import Iterable
from pathlib import Path

from trimtab.cli.knowledge.folder_sync import Memory
from trimtab.cli.knowledge.lookup import list_all
from trimtab.cli.runtime.console import print_line
from trimtab.cli.runtime.errors import Refused
from trimtab.cli.runtime.session import Session
from trimtab.infra.folders import Listing
from trimtab.kernel.errors import ErrorKind


class FolderMemory:
    """Names of the documents that came from a folder, stored for the next run."""

    def __init__(self, session: Session, project: str, folder: Path) -> None:
        service = session.url or str(session.settings.service.data_dir.absolute())
        self._session, self._project = session, project
        self._memory = Memory.of(folder, project, service)

    def add(self, names: Iterable[str]) -> None:
        """Store the names of ingested files in addition."""
        try:
            self._memory.save(self._memory.load() | set(names))
        except OSError as error:
            message = f"The names of the files cannot be stored for --prune: {error.strerror}."
            print_line(message, "yellow", stderr=True)

    def gone(self, listing: Listing) -> dict[str, str]:
        """Return the documents whose file is no longer there, by name, with their ids.

        A file in a folder that cannot be read now counts as there.
        """
        there = {file.name for file in listing.files}
        hidden = tuple(entry.name for entry in listing.unreadable)
        left = {
            name
            for name in self._memory.load() - there
            if not any(name == entry or name.startswith(f"{entry}/") for entry in hidden)
        }
        return {d["name"]: d["id"] for d in self._documents() if d["name"] in left}

    def delete(self, gone: dict[str, str]) -> list[str]:
        """Delete the documents; return their names."""
        for found in gone.values():
            self._session.client.call(
                "DELETE", f"/api/v1/projects/{self._project}/documents/{found}"
            )
        self._memory.save(self._memory.load() - set(gone))
        return sorted(gone)

    def _documents(self) -> list[dict[str, str]]:
        try:
            return list_all(self._session, self._project)
        except Refused as refused:
            if refused.service_kind is ErrorKind.NOT_FOUND:
                return []
            raise
