"""Knowledge in a process of its own: ``python -m tests.knowledge.sharing.process URL FOLDER MODEL``.

It reads calls from its input, one JSON list a line, and writes one JSON value for each.
"""

import json
import sys
from pathlib import Path

from tests.knowledge.conftest import HandClock, WordModelHome
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.infra.storage.postgresql import PostgresServer
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health
from trimtab.knowledge import Knowledge, KnowledgeContext


class Calls:
    """What a test may call in the process."""

    def __init__(self, knowledge, model):
        self._knowledge = knowledge
        self._model = model

    def ingest(self, project, name, text):
        return self._knowledge.ingest_text(project, name, text).status

    def search(self, project, query):
        found = self._knowledge.search(project, query, 100)
        return {passage.document_name: passage.text for passage in found.passages}

    def text(self, project, name):
        return self._knowledge.documents.text(project, name)

    def delete(self, project, name):
        return self._knowledge.documents.delete(project, name)

    def label(self, project, name, labels):
        self._knowledge.documents.set_metadata(project, name, labels=labels)

    def break_model(self, word):
        self._model.broken_by = word

    def held(self):
        return sorted(self._knowledge.caches.held_documents())


def open_knowledge(url, folder, model_folder, clock):
    """Open knowledge on a PostgreSQL server as a process does."""
    server = PostgresServer(url, allow_unsafe=True)
    home = WordModelHome(Path(model_folder))
    context = KnowledgeContext(clock, Events(), Health(clock), server)
    data = DataDirectory(Path(folder))
    knowledge = Knowledge(data, KnowledgeSettings(), context, home)
    knowledge.encoder.install_and_load()
    return knowledge, data, home.model


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main():
    """Answer calls until the input ends."""
    knowledge, _, model = open_knowledge(*sys.argv[1:4], HandClock())
    calls = Calls(knowledge, model)
    say("ready")
    for line in sys.stdin:
        name, *given = json.loads(line)
        try:
            done = getattr(calls, name)(*given)
        except TrimtabError as error:
            done = {"error": type(error).__name__}
        say(json.dumps(done))
    knowledge.close()


if __name__ == "__main__":
    main()
