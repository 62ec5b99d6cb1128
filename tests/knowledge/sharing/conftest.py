"""Two knowledge services on one PostgreSQL database: one in this process, one in another."""

import json
import subprocess
import sys

import pytest

from tests.knowledge.sharing.process import open_knowledge


class Other:
    """Knowledge in another process; its calls are those of `process.Calls`."""

    def __init__(self, url, folder, model_folder):
        command = [sys.executable, "-m", "tests.knowledge.sharing.process"]
        self._process = subprocess.Popen(
            [*command, url, str(folder), str(model_folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout.readline() == "ready\n"

    def call(self, name, *given):
        self.send(name, *given)
        return self.answer()

    def send(self, name, *given):
        self._process.stdin.write(json.dumps([name, *given]) + "\n")
        self._process.stdin.flush()

    def answer(self):
        return json.loads(self._process.stdout.readline())

    def kill(self):
        self._process.kill()
        self._process.wait()

    def close(self):
        if self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait(60)
        self._process.stdin.close()
        self._process.stdout.close()


@pytest.fixture
def knowledge_server(postgres):
    return postgres.server("knowledge", ("knowledge",))


@pytest.fixture
def mine(knowledge):
    """Return the knowledge of this process."""
    return knowledge


@pytest.fixture
def other(tmp_path, mine, knowledge_server):
    """Return the knowledge of another process, with a data directory of its own."""
    made = Other(knowledge_server.url, tmp_path / "other", tmp_path / "other-model")
    yield made
    made.kill()
    made.close()


@pytest.fixture
def second(tmp_path, mine, clock, knowledge_server):
    """Return a second knowledge service in this process, as another process would have one."""
    folders = str(tmp_path / "second"), str(tmp_path / "second-model")
    knowledge, data, _ = open_knowledge(knowledge_server.url, *folders, clock)
    yield knowledge
    knowledge.close()
    data.close()
