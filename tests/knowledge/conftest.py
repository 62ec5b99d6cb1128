"""A knowledge domain in a fresh folder, with a small real-enough model and a clock that tests move."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health
from trimtab.knowledge import Knowledge, KnowledgeContext
from trimtab.knowledge.errors import EmbedderUnavailable


class HandClock:
    """Time stands still until a test moves it."""

    rate = 1.0

    def __init__(self):
        self.seconds = 0.0

    def now(self):
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self):
        return self.seconds

    def wait(self, event: threading.Event, _seconds: float):
        return event.wait(0.01)

    def sleep(self, seconds: float):
        self.seconds += seconds


class WordModel:
    """Embeds a text as the sum of fixed random vectors of its words: like words, like vectors."""

    model_id = "words/1"
    device = "cpu"
    dimension = 64
    max_tokens = 256

    def __init__(self):
        self.embedded: list[str] = []
        self.broken_by = "\0"
        """A text that holds this makes the model fail."""

    def embed(self, texts):
        if any(self.broken_by in text for text in texts):
            raise EmbedderUnavailable("This text breaks the model.")
        self.embedded += texts
        rows = np.array([self._row(text) for text in texts], dtype=np.float32)
        return rows.reshape(-1, 64)

    def count_tokens(self, texts):
        return [len(text.split()) + 2 for text in texts]

    def close(self):
        pass

    def _row(self, text):
        row = np.full(64, 1e-6)
        for word in text.lower().split():
            seed = int.from_bytes(word.encode()[:8].ljust(8, b"\0"), "big")
            row += np.random.default_rng(seed).standard_normal(64)
        return row / np.linalg.norm(row)


class WordModelHome:
    """The model's one file; without it, or with another content, nothing is loaded."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.model = WordModel()

    def install(self):
        if not self.problem():
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "model.bin").write_bytes(b"weights" * 2000)
        return True

    def prepare(self):
        marker = self.folder.with_suffix(".installed")
        if not marker.exists():
            self.install()
            marker.touch()

    def missing(self):
        return not (self.folder / "model.bin").exists()

    def problem(self):
        if self.missing():
            return "model.bin is missing"
        intact = (self.folder / "model.bin").read_bytes() == b"weights" * 2000
        return "" if intact else "model.bin is damaged"

    def load(self, device=None):
        if self.problem():
            raise EmbedderUnavailable(f"The embedding model is unusable: {self.problem()}.")
        return self.model


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def home(tmp_path):
    return WordModelHome(tmp_path / "model")


@pytest.fixture
def knowledge_server():
    """Return the PostgreSQL server of the knowledge database; None for a SQLite file."""
    return


@pytest.fixture
def open_knowledge(tmp_path, clock, home, knowledge_server):
    """Open knowledge on the same data as often as a test likes; the last one is closed at the end."""
    opened = []

    def build(**settings) -> Knowledge:
        shut()
        data = DataDirectory(tmp_path / "data")
        around = KnowledgeContext(clock, Events(), Health(clock), knowledge_server)
        wanted = replace(KnowledgeSettings(), **settings)
        try:
            knowledge = Knowledge(data, wanted, around, home)
        except BaseException:
            data.close()
            raise
        knowledge.encoder.install_and_load()
        opened.append((knowledge, data))
        return knowledge

    def shut():
        while opened:
            knowledge, data = opened.pop()
            knowledge.close()
            data.close()

    build.shut = shut
    yield build
    shut()


@pytest.fixture
def knowledge(open_knowledge):
    return open_knowledge()
