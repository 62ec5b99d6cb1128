"""Kills the process at random instants and looks whether anything was lost, came back, or answers wrongly.

Each round a child ingests, changes and deletes documents, takes backups, restores and recovers, and saves, rebuilds and
switches indexes, and says before and after each step what it does; then it is killed with SIGKILL. What it had acknowledged must be there, what it was doing
when it died may be done or not, and nothing else.
"""

import contextlib
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from datetime import timedelta
from pathlib import Path

from tests.knowledge.conftest import WordModelHome
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.errors import NotFound
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health
from trimtab.knowledge import Knowledge, KnowledgeContext, indexes
from trimtab.knowledge.index import ProjectIndex

PROJECT = "sea"
NAMES = [f"doc{number}.md" for number in range(12)]

_EXACT_LIMIT = 24
"""Around half of what the project holds: the vectors' index switches between exact and graph all the time."""


class SwitchingIndex(ProjectIndex):
    """An index that switches engines at a size that a child reaches."""

    def __init__(self, dimension, exact_limit=_EXACT_LIMIT):
        super().__init__(dimension, _EXACT_LIMIT)


def opened(folder: Path):
    clock = SystemClock()
    data = DataDirectory(folder)
    around = KnowledgeContext(clock, Events(), Health(clock))
    knowledge = Knowledge(data, KnowledgeSettings(), around, WordModelHome(folder / "model"))
    knowledge.encoder.install_and_load()
    knowledge.projects.create(PROJECT)
    return knowledge, data


def text_of(name: str, version: int) -> str:
    parts = [
        f"# Part {part}\n\nword{version}x{name[:-3]} part{part} stays here.\n\n"
        for part in range(4)
    ]
    return "".join(parts) + f"Only version{version} of {name} says unique{version}{name[:-3]}.\n"


def work(folder: Path, say, chance: random.Random):
    """Do one thing after another until killed."""
    knowledge, _ = opened(folder)
    version = int(time.monotonic() * 1e6)
    steps = {
        "ingest": (40, lambda name: knowledge.ingest_text(PROJECT, name, text_of(name, version))),
        "delete": (20, lambda name: _deleted(knowledge, name)),
        "search": (20, lambda name: knowledge.search(PROJECT, f"unique {name}")),
        "save": (8, lambda _: knowledge.indexes.save(rest_seconds=0)),
        "backup": (4, lambda _: knowledge.maintenance.backup()),
        "rebuild": (3, lambda _: knowledge.indexes.restart()),
        "reindex": (2, lambda _: knowledge.maintenance.repair_indexes()),
        "recover": (2, lambda _: knowledge.maintenance.recover()),
        "restore": (3, lambda _: (knowledge.maintenance.backup(), knowledge.maintenance.restore())),
        "purge": (3, lambda _: knowledge.maintenance.purge()),
    }
    while True:
        version += 1
        name = chance.choice(NAMES)
        (step,) = chance.choices(list(steps), [share for share, _ in steps.values()])
        say(f"start {step} {name} {version}")
        steps[step][1](name)
        say(f"done {step} {name} {version}")


def _deleted(knowledge, name):
    with contextlib.suppress(NotFound):
        knowledge.documents.delete(PROJECT, name)


class Expected:
    """What each document may be: the versions that are possible, None for not there."""

    def __init__(self):
        self.possible = {name: {None} for name in NAMES}
        self.steps = Counter()

    def hear(self, lines):
        for line in lines:
            when, step, name, version = line.split()
            if step not in {"ingest", "delete"}:
                self.steps[step] += when == "done"
                continue
            after = int(version) if step == "ingest" else None
            if when == "start":
                self.possible[name].add(after)
            else:
                self.possible[name] = {after}
                self.steps[step] += 1

    def check(self, knowledge):
        """Return what is wrong, and take what was found as the truth from now on."""
        wrong = []
        there = {document.name: document for document in knowledge.documents.list(PROJECT)}
        for name, possible in self.possible.items():
            texts = {text_of(name, version): version for version in possible if version is not None}
            if name not in there:
                if None not in possible:
                    wrong.append(f"{name} was acknowledged and is lost")
                self.possible[name] = {None}
                continue
            text = knowledge.documents.text(PROJECT, name)
            if text not in texts:
                wrong.append(f"{name} holds what it should not")
                continue
            self.possible[name] = {texts[text]}
            wrong += self._searched(knowledge, name, texts[text])
        if not knowledge.maintenance.check().ok:
            wrong.append(f"integrity: {knowledge.maintenance.integrity.problems[:2]}")
        wrong += knowledge.verify_deletions().violations
        return wrong

    @staticmethod
    def _searched(knowledge, name, version):
        found = knowledge.search(PROJECT, f"unique{version}{name[:-3]}", 3)
        first = found.passages[0] if found.passages else None
        if first is None or first.document_name != name or str(version) not in first.text:
            return [f"{name} is not found by its own word"]
        return []


class Kills:
    """The campaign."""

    def __init__(self, folder: Path, seed: int):
        self._folder = folder
        self._seed = seed
        self.expected = Expected()
        self.violations: list[str] = []

    def run(self, kills: int):
        usual = indexes.ProjectIndex
        # Children inherit it; the campaigns that follow compare answers exactly, so they need the usual one again.
        indexes.ProjectIndex = SwitchingIndex
        try:
            for number in range(kills):
                self._round(number, kills)
        finally:
            indexes.ProjectIndex = usual

    def _round(self, number: int, kills: int):
        chance = random.Random(self._seed * 1_000_003 + number)
        found = one_round(self._folder, chance, self.expected)
        self.violations += [f"kill {number}: {problem}" for problem in found]
        if found or number % 50 == 49:
            sys.stderr.write(f"kill {number + 1} of {kills}: {found or 'all is well'}\n")


def one_round(folder: Path, chance: random.Random, expected: Expected):
    said, status = killed(folder, chance)
    expected.hear(said)
    knowledge, data = opened(folder)
    guard = knowledge.database.guard
    try:
        wrong = expected.check(knowledge)
        if guard.lost_commits or guard.kept_damage:
            wrong.append(f"damage is reported: {guard.lost_commits} lost, {guard.kept_damage}")
        # The proof reads every backup: a few are enough for a restore to choose from.
        knowledge.maintenance.backups.prune(timedelta(seconds=5))
        for kept in folder.glob("corrupted_*"):
            kept.unlink()
    finally:
        knowledge.close()
        data.close()
    if os.WIFEXITED(status):
        said_last = (folder.parent / "child.log").read_text().strip().splitlines()[-1:]
        wrong.append(f"the child ended by itself with {os.WEXITSTATUS(status)}: {said_last}")
    return wrong


def killed(folder: Path, chance: random.Random):
    """Let a child work and kill it; return what it said and how it ended."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        log = os.open(folder.parent / "child.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 2)
        try:
            work(folder, lambda line: os.write(writable, f"{line}\n".encode()), chance)
        except BaseException:  # noqa: BLE001 - a child must never run on in the parent's code.
            traceback.print_exc()
        finally:
            os._exit(3)
    os.close(writable)
    said: list[str] = []

    def listen():
        with os.fdopen(readable) as stream:
            said.extend(stream.read().splitlines())

    reader = threading.Thread(target=listen)
    reader.start()
    time.sleep(0.15 + chance.random() * 0.5)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    reader.join()
    return said, status
