import pytest

from tests.infra.valkey.servers import ValkeyServer


@pytest.fixture(scope="session")
def one_server(tmp_path_factory):
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    yield server
    server.close()


@pytest.fixture
def server(one_server):
    """A running server without a key."""
    one_server.empty()
    yield one_server
    one_server.go_on()
    if one_server.ended:
        one_server.start()
    one_server.relay.set("pass")
