import pytest

from tests.postgresql.cluster import Cluster
from tests.postgresql.world import World


@pytest.fixture(scope="session")
def _cluster():
    """One server for all tests of a process that break nothing."""
    made = Cluster(max_connections=40)
    made.start()
    yield made
    made.close()


@pytest.fixture
def world(_cluster):
    made = World(_cluster)
    yield made
    made.close()
