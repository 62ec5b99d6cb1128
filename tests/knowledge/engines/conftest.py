"""Every engine with a real server behind it; each server starts once a session, when the first test needs it."""

import pytest

from tests.knowledge.engines.servers import ChromaServer, PostgresServer
from trimtab.knowledge.engines.registry import ADAPTERS

SERVERS = {"postgres": PostgresServer, "chroma": ChromaServer}


class Started:
    """The servers that tests asked for so far."""

    def __init__(self, folder_of):
        self._folder_of = folder_of
        self._running = {}

    def __getitem__(self, name):
        if name not in self._running:
            self._running[name] = SERVERS[name](self._folder_of(name))
        return self._running[name]

    def close(self):
        for server in self._running.values():
            server.close()


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    started = Started(tmp_path_factory.mktemp)
    yield started
    started.close()


@pytest.fixture(params=list(SERVERS))
def server(request, servers):
    """Each server in turn, whole again after the test."""
    found = servers[request.param]
    yield found
    found.relay.set("pass")


@pytest.fixture(params=[*SERVERS, "qdrant"])
def engine(request, servers):
    """Each engine in turn. There is no package with Qdrant's server: its client's own imitation stands in for it."""
    name = request.param
    url = servers[name].url if name in SERVERS else ":memory:"
    opened = ADAPTERS[name](url, 5.0)
    yield opened
    opened.close()


@pytest.fixture(params=["embedded", *SERVERS, "qdrant"])
def anywhere(request, servers, open_knowledge):
    """Knowledge whose new projects live in each engine in turn, the embedded one too."""
    name = request.param
    if name == "embedded":
        return open_knowledge()
    url = servers[name].url if name in SERVERS else ":memory:"
    return open_knowledge(engine=name, **{f"{name}_url": url})


@pytest.fixture
def on_server(server, open_knowledge):
    """Open knowledge whose new projects live in that server."""

    def build(**settings):
        address = {f"{server.name}_url": server.url}
        return open_knowledge(engine=server.name, engine_timeout_seconds=1.0, **address, **settings)

    return build
