"""The whole service on PostgreSQL."""

import pytest

from tests.faces import client_of
from trimtab.app import build
from trimtab.infra.settings import load
from trimtab.kernel.errors import Conflict


@pytest.fixture
def app(cluster, tmp_path):
    server = cluster.create()
    given = {
        "service.data_dir": str(tmp_path / "data"),
        "service.database_url": server.url,
        "service.allow_unsafe_database": "true",
    }
    app = build(load(flags=given, environment={}))
    app.start(handbook=False)
    yield app
    app.close()
    cluster.drop(server)


def test_it_starts_with_every_runbook_answers_and_its_health_names_the_engine(app):
    app.knowledge.projects.create("pumps")
    app.knowledge.ingest_text("pumps", "pump.txt", "The pump starts at 7 bar.")
    client = client_of(app, key=app.directory.file("admin.key").read_text().strip())
    components = client.get("/health").json()["components"]
    assert components["database"]["engine"] == "postgresql"
    asked = {"project": "pumps", "question": "At which pressure does the pump start?"}
    assert "7 bar" in client.post("/v1/answers", json=asked).text
    assert app.audit.verify().problems == ()
    for name in ("knowledge.database.damage_table", "answers.erasure.break"):
        with pytest.raises(Conflict, match="PostgreSQL"):
            app.catalog.fault(name).inject({"table": "chunks"})
