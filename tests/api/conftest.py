import pytest
from starlette.testclient import TestClient

from trimtab.app import build
from trimtab.infra.auth import Role
from trimtab.infra.settings import load


@pytest.fixture
def settings_of(tmp_path):
    """Return settings on a fresh data directory with the given flags."""

    def make(**flags):
        given = {"service.data_dir": str(tmp_path / "data"), "service.rate_limit_per_minute": "0"}
        given |= {name.replace("__", "."): value for name, value in flags.items()}
        return load(flags=given, environment={})

    return make


@pytest.fixture
def app_of(settings_of):
    """Build apps that are closed at the end of the test."""
    built = []

    def make(**flags):
        app = build(settings_of(**flags))
        built.append(app)
        return app

    yield make
    for app in built:
        app.close()


@pytest.fixture
def app(app_of):
    return app_of()


def client_of(app, *, address="127.0.0.1", key="", host="localhost"):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return TestClient(
        app.faces.network, base_url=f"http://{host}", client=(address, 50000), headers=headers
    )


@pytest.fixture
def anonymous(app):
    return client_of(app)


@pytest.fixture
def admin(app):
    return client_of(app, key=app.keys.create("test-admin", Role.ADMIN, actor="test"))


@pytest.fixture
def control(app):
    return TestClient(app.faces.control, base_url="http://localhost")
