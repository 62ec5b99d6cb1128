"""An installation moves to PostgreSQL and back, and every row, checksum and search is the same."""

import json
import shutil

import pytest
from starlette.testclient import TestClient

from tests.app.move.conftest import move_to, settings_of
from tests.app.personal import PROJECT, SECRET
from trimtab.app import build
from trimtab.infra.storage.errors import InstallationMoved, TwoInstallations
from trimtab.kernel.errors import InvalidInput

pytestmark = pytest.mark.timeout(300)

CHANGED = {"audit_events", "frequent_queries", "installation_secrets"}
"""The move itself is an event of the chain, a search of the test is counted, and only a server records the secrets that it was
opened with."""


def seen(app):
    """Return what a user sees of the installation."""
    client = TestClient(app.http_apps.control, base_url="http://localhost")

    def get(path):
        answer = client.get(path)
        assert answer.is_success, answer.text
        return answer.json()

    app.knowledge.start()
    app.env.fleet.start()
    app.knowledge.drain()
    found = app.knowledge.search(PROJECT, f"{SECRET} number of this house")
    return {
        "passages": [(each.chunk_id, round(each.score, 6)) for each in found.passages],
        "traces": get("/v1/traces"),
        "incidents": [each["id"] for each in get("/v1/incidents")["incidents"]],
        "keys": [each.name for each in app.keys.all()],
        "models": app.models.registry.aliases("earnings-analyzer"),
        "results": len(app.models.serving.store.recent()),
        "reviews": get("/v1/review/items"),
        "chain": app.audit.verify().problems,
    }


def on(folder, url=""):
    return build(settings_of(folder, url))


@pytest.fixture
def opened():
    """Return a function that shows an app and closes it."""

    def show(folder, url="", then=None):
        app = on(folder, url)
        try:
            found = seen(app)
            if then is not None:
                then(app)
        finally:
            app.close()
        return found

    return show


def test_what_users_see_is_the_same_there_and_back(folder, server, opened):
    before = opened(folder)
    there = move_to(server.url, folder)
    assert opened(folder, server.url) == before
    back = move_to("sqlite:", folder, server.url)
    assert opened(folder) == before
    same = there.tables.keys() - CHANGED
    assert {name: there.tables[name] for name in same} == {name: back.tables[name] for name in same}
    assert back.audit_events == there.audit_events + 1
    assert (there.searches, back.searches) == (4, 4)
    assert there.seals > 10


def test_what_was_changed_on_postgresql_comes_back(folder, server, opened):
    move_to(server.url, folder)

    def change(app):
        app.knowledge.ingest_text(PROJECT, "later.md", "The zanzibar protocol was added later.")
        app.knowledge.documents.delete(PROJECT, "harmless.md")

    opened(folder, server.url, change)
    move_to("sqlite:", folder, server.url)
    app = on(folder)
    try:
        app.knowledge.start()
        (best, *_) = app.knowledge.search(PROJECT, "zanzibar protocol").passages
        names = {each.name for each in app.knowledge.documents.list(PROJECT)}
    finally:
        app.close()
    assert best.document_name == "later.md"
    assert "later.md" in names
    assert "harmless.md" not in names


def test_a_start_on_the_side_that_was_left_is_refused_and_says_where_the_data_is(folder, server):
    move_to(server.url, folder)
    note = json.loads((folder / "moved.json").read_text())
    assert note["to"].startswith("postgresql://")
    with pytest.raises(InstallationMoved, match="was moved to postgresql://") as refused:
        on(folder)
    assert "trimtab move-to sqlite:" in refused.value.hint()
    move_to("sqlite:", folder, server.url)
    assert not (folder / "moved.json").exists()
    with pytest.raises(InstallationMoved, match=f"was moved to {folder}"):
        on(folder, server.url)


def test_it_moves_a_second_time_over_what_it_left_behind(folder, server):
    move_to(server.url, folder)
    move_to("sqlite:", folder, server.url)
    assert move_to(server.url, folder).rows > 50
    on(folder, server.url).close()


def test_a_dry_run_changes_nothing(folder, server, tmp_path):
    shutil.copytree(folder, tmp_path / "before")
    result = move_to(server.url, folder, dry_run=True)
    assert (result.dry_run, result.rows > 50, result.audit_events > 0) == (True, True, True)
    with server.direct() as connection:
        schemas = connection.execute(
            "SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN"
            " ('public', 'information_schema')"
        ).fetchone()
    assert schemas == (0,)
    on(folder).close()


def test_the_directory_of_an_installation_takes_no_other_database(folder, server):
    with pytest.raises(TwoInstallations, match="holds an installation on SQLite"):
        on(folder, server.url)
    with pytest.raises(InvalidInput, match="neither"):
        move_to("mysql://localhost/x", folder)
