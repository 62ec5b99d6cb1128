import secrets

import pytest

from tests.kubernetes.live import control_plane
from tests.kubernetes.live.world import World


@pytest.fixture(scope="session")
def kubeconfig():
    with control_plane.kubeconfig() as path:
        yield path


@pytest.fixture
def world(kubeconfig):
    """A namespace of its own with the actions on it."""
    made = World(kubeconfig, f"test-{secrets.token_hex(4)}")
    made.create_namespace()
    yield made
    made.close()
