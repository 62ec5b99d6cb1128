"""Flips one byte in one file of a data directory, and looks whether it is noticed, named and repaired.

Every flip must end as one of these:

- ``detected``: an error with a code and a next step, or the check, names what is damaged; it is then repaired and the
  answers are those from before,
- ``repaired``: it was noticed and mended by itself (an index, the list of deletions, the model),
- ``reported``: a log was cut short, and the log file says that so many acknowledged changes are missing,
- ``harmless``: the byte is not used; every answer is the one from before,

and none as a violation: a wrong answer, a mistake of the program, or damage that stays.
"""

import os
import random
import shutil
from collections import Counter
from pathlib import Path

from tests.knowledge.torture.ground import Opened, everything, fill
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge.embedding import ensure_model, model_problem
from trimtab.knowledge.maintenance.offline_repair import repair_closed
from trimtab.knowledge.store.integrity import Damage, integrity_of

_SELF_REPAIRS = ("search index is built again", "is made again", "written anew", "written again")


class Flips:
    """The campaign."""

    def __init__(self, folder: Path, seed: int):
        self._folder = folder
        self._chance = random.Random(seed)
        self._whole = folder / "whole"
        fill(self._whole)
        with Opened(self._whole) as opened:
            self._truth = {asked: ask() for asked, ask in everything(opened.start())}
        self._killed = folder / "killed"
        self._killed_truth = self._leave_a_log()
        self._said: list[str] = []
        self._lost = False
        """Whether the last repair said that something could not be brought back."""
        self.counts: dict[str, Counter] = {}
        self.violations: list[str] = []

    def run(self, flips: int):
        """Flip so many bytes, the most of them in databases."""
        kinds = {
            "database": self._database,
            "backup": self._backup,
            "index": self._index,
            "deletions": self._deletions,
            "model": self._model,
            "log": self._log,
            "log cut short": self._log_cut,
        }
        turns = ["database", "backup", "log"] * 4 + ["index", "deletions", "database"] * 3
        turns += ["model", "log cut short"]
        for number in range(flips):
            kind = turns[number % len(turns)]
            copy = self._folder / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(self._whole, copy)
            try:
                outcome = kinds[kind](copy)
            except Exception as error:  # noqa: BLE001 - a mistake of the program is what is looked for.
                outcome = f"violation: {type(error).__name__}: {error}"
            self._count(kind, outcome)

    def _count(self, kind, outcome):
        word, _, detail = outcome.partition(": ")
        self.counts.setdefault(kind, Counter())[word] += 1
        if word == "violation":
            self.violations.append(f"flip in {kind} ({self._where}): {detail}")

    def _flip(self, file: Path):
        size = file.stat().st_size
        at, bits = self._chance.randrange(size), self._chance.randrange(1, 256)
        self._where = f"{file.name} at {at} ^ {bits}"
        with file.open("r+b") as stream:
            stream.seek(at)
            (byte,) = stream.read(1)
            stream.seek(at)
            stream.write(bytes([byte ^ bits]))

    def _leave_a_log(self):
        """Change something, and leave the log that a kill would leave; return what is true then."""
        copy = self._folder / "copy"
        shutil.copytree(self._whole, copy)
        with Opened(copy) as opened:
            knowledge = opened.start()
            for number in range(8):
                knowledge.ingest_text(
                    "sea", f"tides{number}.md", f"# Low {number}\n\nEbb {number}."
                )
                knowledge.ingest_text("land", f"late{number}.txt", f"A late crab {number}. " * 30)
            knowledge.documents.delete("land", "crab3.txt")
            shutil.copytree(copy, self._killed)
            truth = {asked: ask() for asked, ask in everything(knowledge)}
        shutil.rmtree(copy)
        return truth

    def _log(self, copy):
        """Flip a byte of the log that a kill left."""
        return self._with_log(copy, self._flip)

    def _log_cut(self, copy):
        """Cut the log: what is behind cannot come back, so it has to be said."""

        def cut(file):
            at = self._chance.randrange(file.stat().st_size)
            self._where = f"{file.name} cut at {at}"
            os.truncate(file, at)

        return self._with_log(copy, cut)

    def _with_log(self, copy, spoil):
        shutil.rmtree(copy)
        shutil.copytree(self._killed, copy)
        self._lost = False
        spoil(copy / "knowledge.db-wal")
        whole, self._truth = self._truth, self._killed_truth
        try:
            outcome = self._judged(copy)
        finally:
            self._truth = whole
        said = [line for line in self._said if "knowledge.db" in line]
        missing = any("changes of knowledge.db are missing" in line for line in said)
        if outcome.startswith("violation") and (missing or self._lost):
            return "reported"
        return "repaired" if outcome == "harmless" and said else outcome

    def _database(self, copy):
        self._flip(copy / "knowledge.db")
        return self._judged(copy)

    def _index(self, copy):
        files = sorted((copy / "index").iterdir())
        self._flip(self._chance.choice(files))
        return self._judged(copy)

    def _deletions(self, copy):
        self._flip(copy / "knowledge.deletions")
        outcome = self._judged(copy)
        with Opened(copy) as opened:
            left = len(opened.knowledge.maintenance.deletions.all())
            proof = opened.knowledge.verify_deletions()
        if left != 2 or not proof.holds:
            return f"violation: {left} deletions are remembered, {proof.violations}"
        return outcome

    def _backup(self, copy):
        (backup,) = (copy / "backups").iterdir()
        self._flip(backup)
        damaged = not integrity_of(backup, full_text=False).ok
        with Opened(copy) as opened:
            knowledge = opened.start()
            if damaged:
                if knowledge.maintenance.backups.newest_good() is not None:
                    return "violation: a damaged backup is called good"
                # The truth is the live database: the next backup takes the place of the damaged one.
                knowledge.maintenance.backup()
                return (
                    "detected"
                    if knowledge.maintenance.backups.newest_good()
                    else "violation: no backup"
                )
            knowledge.maintenance.restore()
            return self._compared(knowledge, "harmless")

    def _model(self, copy):
        home = self._folder / "minilm"
        ensure_model(home)
        self._flip(self._chance.choice(sorted(home.iterdir())))
        problem = model_problem(home)
        if not problem:
            return "harmless"
        ensure_model(home)
        still = model_problem(home)
        return f"violation: {still}" if still else "repaired"

    def _judged(self, copy):
        """Open the damaged copy, ask everything, check, repair, and ask everything again."""
        try:
            opened = Opened(copy)
        except TrimtabError as error:
            return self._repaired_closed(copy, error)
        self._said = opened.log.lines
        with opened:
            knowledge = opened.start()
            wrong, refused, partial = self._asked_at_first(knowledge)
            if wrong:
                return f"violation: wrong answers to {wrong[:3]}"
            found = knowledge.maintenance.check()
            if found.ok and not refused:
                wrong, refused = self._asked(knowledge, _right) if partial else ([], [])
                if wrong or refused:
                    return f"violation: the check finds nothing, but {(wrong + refused)[:3]}"
                mended = any(part in line for line in opened.log.lines for part in _SELF_REPAIRS)
                return "repaired" if mended else "harmless"
            if found.ok:
                return f"violation: {refused[0]}, but the check finds nothing"
            if found.damage is Damage.INDEX:
                knowledge.maintenance.repair_indexes()
                knowledge.indexes.restart()
                knowledge.drain()
            else:
                knowledge.maintenance.recover()
                knowledge.drain()
            return self._compared(knowledge, "detected")

    def _repaired_closed(self, copy, error):
        if not error.hint():
            return f"violation: no next step: {error}"
        with DataDirectory(copy) as data:
            repair_closed(data, KnowledgeSettings(), SystemClock())
        with Opened(copy) as opened:
            knowledge = opened.start()
            knowledge.drain()
            return self._compared(knowledge, "detected")

    def _asked_at_first(self, knowledge):
        """Return what was answered wrongly, what was refused, and what was answered in part only."""
        partial = []

        def as_far_as_it_goes(answer, truth):
            if answer == truth:
                return True
            partial.append(answer)
            return _true_as_far_as_it_goes(answer, truth)

        return *self._asked(knowledge, as_far_as_it_goes), partial

    def _asked(self, knowledge, right):
        """Return what was answered wrongly, and what was refused with an error."""
        wrong, refused = [], []
        for asked, ask in everything(knowledge):
            try:
                answer = ask()
            except TrimtabError as error:
                refused.append(f"{asked} says {error.code}")
                continue
            if not right(answer, self._truth[asked]):
                wrong.append(asked)
        return wrong, refused

    def _compared(self, knowledge, good):
        wrong, refused = self._asked(knowledge, _right)
        found = knowledge.maintenance.check()
        restored = knowledge.maintenance.restored
        self._lost = found.ok and restored is not None and bool(restored.lost)
        if wrong or refused or not found.ok:
            return f"violation: after the repair {(wrong + refused)[:3]} {found.problems[:1]}"
        return good


def _true_as_far_as_it_goes(answer, truth):
    """Return whether nothing in an answer is made up. Before the check something may be missing in it."""
    if isinstance(answer, dict):
        return all(truth.get(name) == text for name, text in answer.items())
    if isinstance(answer, tuple):
        known = {passage["chunk_id"]: passage["text"] for passage in truth[1]}
        return all(known.get(p["chunk_id"], p["text"]) == p["text"] for p in answer[1])
    known = {row[0] if isinstance(row, tuple) else row["id"]: row for row in truth}
    return all(_same_but_for_counts(row, known) for row in answer)


def _same_but_for_counts(row, known):
    if isinstance(row, tuple):
        return row[:2] == known.get(row[0], ())[:2]
    return {**row, "chunks": 0} == {**known.get(row["id"], {}), "chunks": 0}


def _right(answer, truth):
    """Return whether an answer is the true one; one that says it is degraded may find less, but nothing else."""
    if isinstance(answer, tuple) and answer[0] == "degraded":
        known = {passage["chunk_id"]: passage["text"] for passage in truth[1]}
        return all(known.get(p["chunk_id"], p["text"]) == p["text"] for p in answer[1])
    return answer == truth
