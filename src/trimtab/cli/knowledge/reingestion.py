"""Deletes the documents of a project and ingests its folder again, for `rollback database`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.cli.knowledge.lookup import list_all
from trimtab.cli.knowledge.upload import File, Outcome, grouped, send_group
from trimtab.cli.runtime.errors import Refused
from trimtab.cli.runtime.session import Session
from trimtab.infra.folders import list_folder
from trimtab.kernel.errors import ErrorKind, InvalidInput


@dataclass(frozen=True, slots=True)
class Reingestion:
    """A folder that takes the place of all documents of a project."""

    session: Session
    project: str
    user_id: str
    """Of the person who owns the documents; empty for no person."""
    files: list[File]
    old: list[dict[str, Any]]
    """The documents that are deleted."""

    @classmethod
    def of(cls, session: Session, project: str, folder: Path, user_id: str) -> "Reingestion":
        """Read the folder and list the project's documents.

        Raises:
            InvalidInput: The folder holds nothing to ingest, or something in it cannot be read.
        """
        if not folder.is_dir():
            raise InvalidInput(f"There is no folder {folder}.", hint="Check the path.")
        listing = list_folder(folder)
        if listing.unreadable:
            entry = listing.unreadable[0]
            raise InvalidInput(f"{entry.name} {entry.reason}.", hint="Nothing was deleted.")
        if not listing.files:
            raise InvalidInput(f"{folder} holds nothing to ingest.", hint="Nothing was deleted.")
        files: list[File] = [(file.name, file) for file in listing.files]
        return cls(session, project, user_id, files, list_all(session, project))

    @property
    def facts(self) -> dict[str, Any]:
        """Return what would be deleted and ingested."""
        return {
            "project": self.project,
            "deleted": [each["name"] for each in self.old],
            "ingested": [name for name, _ in self.files],
        }

    @property
    def summary(self) -> str:
        """Return the plan in words; a restored backup does not bring deleted documents back."""
        return (
            f"All {len(self.old)} documents of {self.project} would be deleted for good, "
            f"then {len(self.files)} files ingested."
        )

    def run(self) -> dict[str, Any]:
        """Delete the documents, then ingest the files; a refused file does not stop the others."""
        for each in self.old:
            self._delete(str(each["id"]))
        outcomes: list[Outcome] = []
        for group in grouped(self.files):
            outcomes += send_group(self.session, self.project, group, self.user_id)
        refused = [each for each in outcomes if "code" in each]
        count = len(outcomes) - len(refused)
        text = f"Deleted {len(self.old)} documents of {self.project}, ingested {count}."
        return {**self.facts, "refused": refused, "summary": text}

    def verify(self, done: dict[str, Any]) -> tuple[bool, str]:
        """Return whether the project holds the files and nothing else, and is searchable."""
        if done["refused"]:
            first = done["refused"][0]
            return False, f"{len(done['refused'])} files were refused: {first['message']}"
        found = list_all(self.session, self.project)
        names = {str(each["name"]) for each in found}
        expected = {name.strip() for name, _ in self.files}
        if names != expected:
            return False, f"{self.project} differs in: {', '.join(sorted(names ^ expected)[:5])}"
        return True, f"{self.project} holds {len(names)} documents, each of them from the folder"

    def _delete(self, document: str) -> None:
        path = f"/api/v1/projects/{self.project}/documents/{document}"
        try:
            self.session.client.call("DELETE", path)
        except Refused as refused:
            if refused.service_kind is not ErrorKind.NOT_FOUND:  # Somebody else has deleted it.
                raise
