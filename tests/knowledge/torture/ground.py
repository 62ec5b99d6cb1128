"""What the campaigns share: a knowledge on a folder, and everything that can be asked of it."""

import logging
from dataclasses import asdict, replace
from pathlib import Path

from tests.knowledge.conftest import WordModelHome
from tests.knowledge.documents import pdf
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health
from trimtab.knowledge import Knowledge, KnowledgeContext
from trimtab.knowledge.cache_manager import CacheSizes

QUERIES = ("whale song", "crab 3", "part2 stays", "tide tables 7", "secret staff paper", "unknown")

_LABELS = {"sea": (None, (), ("staff",)), "land": (None,)}
"""Whose answers are asked for; nothing on land has a label."""


class Opened:
    """Knowledge on a data directory, with its log kept; closes both."""

    def __init__(self, folder: Path, **settings):
        clock = SystemClock()
        self.data = DataDirectory(folder)
        self.log = Kept()
        logger = logging.getLogger("trimtab")
        logger.addHandler(self.log)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        try:
            around = KnowledgeContext(clock, Events(), Health(clock))
            wanted = replace(KnowledgeSettings(), **settings)
            home = WordModelHome(folder / "model")
            self.knowledge = Knowledge(self.data, wanted, around, home)
        except BaseException:
            self._end()
            raise

    def start(self):
        self.knowledge.encoder.install_and_load()
        return self.knowledge

    def close(self):
        try:
            self.knowledge.close()
        finally:
            self._end()

    def _end(self):
        self.data.close()
        logging.getLogger("trimtab").removeHandler(self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Kept(logging.Handler):
    """Keeps the messages in memory."""

    def __init__(self):
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record):
        reason = getattr(record, "reason", "")
        self.lines.append(f"{record.getMessage()} {reason}".strip())


def fill(folder: Path, documents: int = 16):
    """Make a data directory with a bit of everything, closed cleanly."""
    with Opened(folder) as opened:
        knowledge = opened.start()
        for number in range(documents):
            text = (
                f"# Tides {number}\n\nTide tables {number} of the bay.\n\n## Part2\n\nIt stays.\n"
                * 3
            )
            knowledge.ingest_text("sea", f"tides{number}.md", text)
            knowledge.ingest_text("land", f"crab{number}.txt", f"A crab {number} on land. " * 20)
        knowledge.ingest_bytes("sea", "song.pdf", pdf("Whale song one.", "Whale song two."))
        knowledge.ingest_text("sea", "staff.md", "A secret staff paper.")
        knowledge.documents.set_metadata("sea", "staff.md", tags=["hr"], labels=["staff"])
        knowledge.ingest_text("sea", "gone.md", "This was deleted wholly.")
        knowledge.documents.delete("sea", "gone.md")
        knowledge.documents.delete("land", "crab1.txt")
        knowledge.caches.resize(CacheSizes(query=50, embedding=60))
        for query in QUERIES:
            knowledge.search("sea", query)
            knowledge.search("land", query)
        knowledge.indexes.save(rest_seconds=0)
        knowledge.drain()
        knowledge.maintenance.backup()


def everything(knowledge: Knowledge):
    """Ask all that can be asked; yield what was asked and a function that asks it."""
    yield "projects", lambda: _projects(knowledge)
    for project in ("sea", "land"):
        yield f"documents {project}", lambda p=project: _documents(knowledge, p)
        yield f"texts {project}", lambda p=project: _texts(knowledge, p)
        for query in QUERIES:
            for labels in _LABELS[project]:
                asked = f"search {project} {query} {labels}"
                yield asked, lambda p=project, q=query, la=labels: _found(knowledge, p, q, la)
    yield "tagged", lambda: _found(knowledge, "sea", "secret staff paper", None, ("hr",))


def _projects(knowledge):
    return [
        (found.id, found.name, found.documents, found.chunks, found.characters)
        for found in knowledge.projects.list()
    ]


def _documents(knowledge, project):
    found = [asdict(document) for document in knowledge.documents.list(project)]
    # A document whose vectors are made again waits for a moment; nothing else of it may differ.
    return [{**row, "state": "", "attempts": 0} for row in found]


def _texts(knowledge, project):
    names = [document.name for document in knowledge.documents.list(project)]
    return {name: knowledge.documents.text(project, name) for name in names}


def _found(knowledge, project, query, labels, tags=()):
    result = knowledge.search(project, query, 5, labels=labels, tags=tags)
    passages = [asdict(passage) for passage in result.passages]
    return ("degraded" if result.degraded_mode else "full", passages)
