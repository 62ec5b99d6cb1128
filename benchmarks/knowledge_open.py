"""A knowledge domain on a folder, as the service opens it; run as a script, how soon it answers.

``python -m benchmarks.knowledge_open DATA PROJECT QUESTION`` prints the seconds from opening to the first answer by words
and meaning, without the interpreter's own start.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health
from trimtab.knowledge import Knowledge, KnowledgeContext

PATIENCE_SECONDS = 600


@contextmanager
def opened(folder: Path, settings: KnowledgeSettings | None = None) -> Iterator[Knowledge]:
    """Hold the data directory and its knowledge, model loaded, without background work."""
    clock = SystemClock()
    with DataDirectory(folder) as data:
        around = KnowledgeContext(clock, Events(), Health(clock))
        knowledge = Knowledge(data, settings or KnowledgeSettings(), around)
        try:
            knowledge.encoder.install_and_load()
            yield knowledge
        finally:
            knowledge.close()


def full_answer(knowledge: Knowledge, project: str, question: str) -> None:
    """Ask until words and meaning answer together."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while knowledge.search(project, question).degraded_mode:
        if time.monotonic() > give_up:
            raise TimeoutError("no full answer")
        time.sleep(0.02)


def main(folder: Path, project: str, question: str) -> None:
    started = time.monotonic()
    with opened(folder) as knowledge:
        full_answer(knowledge, project, question)
        print("FIGURES " + json.dumps({"reopen_s": round(time.monotonic() - started, 2)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
