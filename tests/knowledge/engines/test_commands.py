"""Moving a project from the command line, through the HTTP interface, on the real model."""

import pytest

from tests.cli.conftest import trimtab  # noqa: F401 - a fixture.
from tests.processes import data_dir, models  # noqa: F401 - fixtures.


@pytest.fixture
def shore(trimtab, tmp_path, servers):  # noqa: F811 - a fixture.
    """A command line with a Chroma server, and a project of two documents in the embedded engine."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "whales.md").write_text("Whales sing in the deep sea.\n")
    (folder / "gulls.md").write_text("Gulls cry over the harbour.\n")
    address = {"TRIMTAB_KNOWLEDGE_CHROMA_URL": servers["chroma"].url}

    def run(*words):
        return trimtab(*words, **address)

    assert run("ingest", "shore", str(folder), "--json").code == 0
    return run


def test_a_project_is_moved_and_says_what_was_compared(shore):
    before = shore("search", "shore", "who sings", "--json").json
    moved = shore("knowledge", "move", "shore", "--to", "chroma", "--json")
    assert (moved.code, moved.json["source"], moved.json["target"]) == (0, "embedded", "chroma")
    assert (moved.json["checked"], moved.json["agreement"]) == (2, 1.0)
    (project,) = [p for p in shore("projects", "list", "--json").json["projects"] if p["documents"]]
    assert project["engine"] == "chroma"
    after = shore("search", "shore", "who sings", "--json").json
    assert not after["degraded_mode"]
    assert after["passages"] == before["passages"]


def test_a_dry_run_says_what_would_be_moved_and_moves_nothing(shore):
    said = shore("knowledge", "move", "shore", "--to", "chroma", "--dry-run")
    assert "shore with 2 passages from embedded to chroma would be moved." in said.out
    assert shore("knowledge", "move", "shore", "--to", "embedded").out.startswith("shore is in")


def test_an_engine_without_address_is_refused_with_the_setting_to_set(shore):
    refused = shore("knowledge", "move", "shore", "--to", "postgres", "--json")
    assert refused.code == 2
    assert refused.json["error"]["code"] == "knowledge.engine_not_configured"
    assert "TRIMTAB_KNOWLEDGE_POSTGRES_URL" in refused.json["error"]["hint"]


def test_a_project_that_is_not_there_is_refused(shore):
    assert shore("knowledge", "move", "land", "--to", "chroma", "--json").code == 4
