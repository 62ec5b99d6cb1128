"""A stocked installation on SQLite, and empty databases of a real PostgreSQL server."""

import shutil

import pytest
from starlette.testclient import TestClient

from tests.app.personal import build_app, plant
from trimtab.app.move import MoveContext, move
from trimtab.infra.settings import load
from trimtab.kernel.clock import SystemClock


@pytest.fixture(scope="session")
def stocked(tmp_path_factory):
    """Return a data directory with documents, answers, feedback, models, reviews, keys and an incident."""
    folder = tmp_path_factory.mktemp("stocked") / "data"
    app = build_app(folder)
    try:
        plant(app)
        app.jobs.launch()
        app.keys.create("laptop", "operator", actor="test")
        client = TestClient(app.http_apps.control, base_url="http://localhost")
        assert client.post("/v1/incidents", json={"title": "Search is slow"}).is_success
    finally:
        app.close()
    return folder


@pytest.fixture
def folder(stocked, tmp_path):
    """Return a copy of the stocked data directory."""
    shutil.copytree(stocked, tmp_path / "data", symlinks=True)
    return tmp_path / "data"


@pytest.fixture
def server(cluster):
    """Return an empty database."""
    made = cluster.create()
    yield made
    cluster.drop(made)


def settings_of(folder, url=""):
    flags = {
        "service.data_dir": str(folder),
        "service.database_url": url,
        "service.allow_unsafe_database": "true",
        "service.rate_limit_per_minute": "0",
    }
    return load(flags=flags, environment={})


def quiet(*_):
    """Report nothing."""


def move_to(target, folder, url="", progress=quiet, **options):
    context = MoveContext(settings_of(folder, url), SystemClock(), progress, **options)
    return move(context, target)
