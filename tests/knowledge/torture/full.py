"""Lets each write of each operation meet a full disk once, on a small file system of its own.

The room left grows by one page from try to try, so that an operation fails first at its first write, then at a later
one, until it succeeds. After each try: what was acknowledged is there, what was refused left no trace, reading went on,
and the refusal was an error with a next step.
"""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

from tests.knowledge.torture.ground import Opened, fill
from trimtab.kernel.errors import StorageFull, TrimtabError

_PAGE = 4096
_ROOM_MB = 40


class SmallDisk:
    """A tmpfs mounted on a folder; `available` tells whether this process may mount one."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        command = ["mount", "-t", "tmpfs", "-o", f"size={_ROOM_MB}m", "tmpfs", str(folder)]
        self.available = (
            shutil.which("mount") is not None
            and subprocess.run(command, capture_output=True, check=False).returncode == 0
        )
        self._ballast = folder / "ballast"

    def leave(self, pages: int):
        """Fill the disk but for so many pages."""
        self.empty()
        found = os.statvfs(self.folder)
        size = (found.f_bavail - pages) * found.f_frsize
        with self._ballast.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, max(1, size))

    def empty(self):
        """Take the ballast away."""
        self._ballast.unlink(missing_ok=True)

    def close(self):
        if self.available:
            # Lazily: a connection that ends with this process may still hold a file.
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


def refused(where, operation, violations):
    """Return what the operation ended with, or None; all but a full disk with a next step is a violation."""
    try:
        operation()
    except StorageFull as refusal:
        if not refusal.hint():
            violations.append(f"{where}: no next step")
        return refusal
    except Exception as mistake:  # noqa: BLE001 - what must not happen is counted.
        code = getattr(mistake, "code", type(mistake).__name__)
        violations.append(f"{where}: {code}: {mistake}")
        return mistake
    return None


class Full:
    """The campaign."""

    def __init__(self, disk: SmallDisk, step: int):
        self._disk = disk
        self._step = step
        self.counts: dict[str, Counter] = {}
        self.violations: list[str] = []

    def run(self):
        data = self._disk.folder / "data"
        fill(data, documents=6)
        operations = {
            "ingest": (_ingest_new, {("sea", "new.md"): "Nobody knows this yet. " * 60}),
            "re-ingest": (_ingest_again, {("sea", "tides0.md"): "It changed. " * 80}),
            "delete": (_delete, {("land", "crab2.txt"): None}),
            "save": (_save, {}),
            "backup": (lambda knowledge: knowledge.maintenance.backup(), {}),
            "rebuild": (lambda knowledge: knowledge.maintenance.repair_indexes(), {}),
            "restore": (_restore, {}),
            "recover": (lambda knowledge: knowledge.maintenance.recover(), {}),
        }
        for name, (operation, change) in operations.items():
            self._starve(name, data, operation, change)

    def _starve(self, name, data, operation, change):
        counts = self.counts.setdefault(name, Counter())
        pages, opened, before = 0, Opened(data), {}
        try:
            knowledge = opened.start()
            before = _state(knowledge)
            while True:
                self._disk.leave(pages)
                error = self._tried(name, pages, operation, knowledge, before, change)
                self._disk.empty()
                counts["refused" if error else "done"] += 1
                if pages % 7 == 6:
                    opened.close()
                    opened = Opened(data)
                    knowledge = opened.start()
                expected = before if error else {**before, **change}
                self._look(f"{name} with {pages} pages", knowledge, expected, change)
                if not error or self.violations:
                    return
                pages += self._step
        finally:
            self._disk.empty()
            opened.close()

    def _tried(self, name, pages, operation, knowledge, before, change):
        """Return the refusal, or None; whatever else goes wrong is a violation."""
        where = f"{name} with {pages} pages"
        error = refused(where, lambda: operation(knowledge), self.violations)
        try:
            expected = before if error else {**before, **change}
            if _state(knowledge) != _present(expected):
                self.violations.append(f"{where}: reads differ while the disk is full")
        except TrimtabError as mistake:
            self.violations.append(f"{where}: cannot be read while the disk is full: {mistake}")
        return error

    def _look(self, where, knowledge, expected, change):
        if _state(knowledge) != _present(expected):
            self.violations.append(f"{where}: what is there is not what was acknowledged")
        found = knowledge.maintenance.check()
        if not found.ok:
            self.violations.append(f"{where}: {found.problems[0]}")
        proof = knowledge.verify_deletions()
        refused = {name for name in change if expected.get(name) is not None}
        self.violations += [f"{where}: {found}" for found in proof.violations]
        for project, name in refused:
            if not knowledge.search(project, expected[project, name][:60], 1).passages:
                self.violations.append(f"{where}: {name} is not found")


def _present(expected):
    return {name: text for name, text in expected.items() if text is not None}


def _state(knowledge):
    return {
        (project, document.name): knowledge.documents.text(project, document.name)
        for project in ("sea", "land")
        for document in knowledge.documents.list(project)
    }


def _ingest_new(knowledge):
    knowledge.ingest_text("sea", "new.md", "Nobody knows this yet. " * 60)


def _ingest_again(knowledge):
    knowledge.ingest_text("sea", "tides0.md", "It changed. " * 80)


def _delete(knowledge):
    knowledge.documents.delete("land", "crab2.txt")


def _save(knowledge):
    """Save the indexes, which may fail quietly: they are made again from the store."""
    knowledge.indexes.restart()
    knowledge.search("sea", "tides")
    knowledge.search("land", "crab")
    knowledge.indexes.save(rest_seconds=0)


def _restore(knowledge):
    if not knowledge.maintenance.backups.list():
        knowledge.maintenance.backup()
    knowledge.maintenance.restore()
