"""Lets each write of the service's own state meet a full disk once: audit chain, keys, sealing, checkpoints, secrets.

As in `full`, the room left grows by one page from try to try until the operation succeeds. After each try, with the
disk still full and then with room again: the chain is whole, what was acknowledged is there, and the file opens.
"""

from collections import Counter

from tests.knowledge.torture.full import SmallDisk, refused
from trimtab.infra.audit import Audit
from trimtab.infra.audit_files import AuditFiles
from trimtab.infra.auth import Keys, Role
from trimtab.infra.signing import Signer
from trimtab.infra.storage import DataDirectory, SqliteDatabase
from trimtab.infra.storage.secret_file import secret_of
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.errors import TrimtabError


class FullState:
    """The campaign."""

    def __init__(self, disk: SmallDisk, step: int):
        self._disk = disk
        self._step = step
        self.counts: dict[str, Counter] = {}
        self.violations: list[str] = []

    def run(self):
        operations = {
            "audit": lambda state: state.audit.append("torture", "tested", "x", {"a": "b" * 3000}),
            "key": lambda state: state.keys.create(f"key{state.tick()}", Role.READER, actor="t"),
            "seal": lambda state: state.files.seal(),
            "checkpoint": lambda state: state.database.scrub(),
            "secret": lambda state: secret_of(state.directory, "new.key", lambda: b"s" * 32),
            "close": lambda state: state.close(),
        }
        for name, operation in operations.items():
            self._starve(name, operation)

    def _starve(self, name, operation):
        counts = self.counts.setdefault(f"state {name}", Counter())
        pages = 0
        while not self.violations:
            state = State(self._disk.folder / "state")
            try:
                before = state.known()
                state.database.guard.checkpoint()
                state.audit.append("torture", "prepared", name)
                before += 1
                self._disk.leave(pages)
                where = f"{name} with {pages} pages"
                error = refused(where, lambda: operation(state), self.violations)  # noqa: B023
            finally:
                self._disk.empty()
                state.close()
            counts["refused" if error else "done"] += 1
            self._look(where, before)
            if not error and pages > 2:
                return
            pages += self._step

    def _look(self, where, at_least):
        try:
            state = State(self._disk.folder / "state")
        except TrimtabError as error:
            self.violations.append(f"{where}: does not open again: {error}")
            return
        problems = list(state.audit.verify().problems)
        if state.known() < at_least:
            problems.append("an acknowledged event is gone")
        if state.database.guard.lost_commits:
            problems.append(f"{state.database.guard.lost_commits} changes are said to be lost")
        self.violations += [f"{where}: {problem}" for problem in problems]
        state.close()


class State:
    """The service's own state on a folder."""

    def __init__(self, folder):
        clock = SystemClock()
        self.directory = DataDirectory(folder)
        self.database = SqliteDatabase(self.directory.file("state.db"), ("state",), page_sums=True)
        self.audit = Audit(self.database, clock)
        self.keys = Keys(self.database, clock, self.audit)
        place = self.directory.folder("audit_logs") / "local"
        self.files = AuditFiles(place, self.audit, Signer.of(self.directory))
        self._open = True

    def known(self):
        return self.audit.verify().events

    def tick(self):
        return len(self.keys.all())

    def close(self):
        if self._open:
            self._open = False
            self.database.close()
            self.directory.close()
