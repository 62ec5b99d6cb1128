"""Staged values, reload and restart on a real server of the test's own."""

import pytest

from tests.postgresql.cluster import Cluster
from tests.postgresql.world import World
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import Effect, Risk
from trimtab.postgresql.errors import PostgresConflict, PostgresNotConfigured, PostgresRefused


@pytest.fixture(scope="module")
def _own():
    made = Cluster(max_connections=20, effective_cache_size="64MB", maintenance_work_mem="16MB")
    made.start()
    yield made
    made.close()


@pytest.fixture
def own(_own):
    made = World(_own)
    yield made
    made.server.query("ALTER SYSTEM RESET ALL")
    if made.run("postgresql.reload").facts["pending_restart"]:
        made.run("postgresql.restart")
    made.close()


def setting(world, name):
    return world.server.query("SELECT current_setting(%s) AS value", (name,))[0]["value"]


@pytest.mark.feature("F186", "F223", "F230")
@pytest.mark.parametrize(
    ("name", "value", "before"),
    [
        ("max_connections", "200", "20"),
        ("max_connections", "300", "20"),
        ("shared_buffers", "256MB", "16MB"),
        ("shared_buffers", "512MB", "16MB"),
        ("shared_buffers", "1GB", "16MB"),
        ("effective_cache_size", "1GB", "64MB"),
        ("effective_cache_size", "3GB", "64MB"),
        ("maintenance_work_mem", "256MB", "16MB"),
    ],
)
def test_a_staged_value_is_planned_set_and_taken_back(own, name, value, before):
    restarted = name in {"max_connections", "shared_buffers"}
    planned = own.dry_run("postgresql.set", name=name, value=value)
    assert f"from {before} to {value}" in planned.summary
    assert ("after a restart" in planned.summary) == restarted
    assert setting(own, name) == before
    done = own.run("postgresql.set", name=name, value=value)
    if restarted:
        assert setting(own, name) == before
        assert own.read("postgresql.settings.pending") == 1
        assert "Restarted" in own.run("postgresql.restart").summary
    assert setting(own, name) == value
    assert not own.run("postgresql.set", name=name, value=value).changes
    assert "back to what the configuration file says" in own.undo("postgresql.set", done).summary
    if restarted:
        own.run("postgresql.restart")
    assert setting(own, name) == before


def test_the_undo_restores_the_stage_before(own):
    own.run("postgresql.set", name="effective_cache_size", value="1GB")
    done = own.run("postgresql.set", name="effective_cache_size", value="3GB")
    own.undo("postgresql.set", done)
    assert setting(own, "effective_cache_size") == "1GB"


def test_a_value_that_is_no_stage_or_lower_is_refused(own):
    with pytest.raises(PostgresRefused) as refused:
        own.run("postgresql.set", name="max_connections", value="1GB")
    assert refused.value.hint() == "Choose one of: 200, 300."
    own.run("postgresql.set", name="effective_cache_size", value="3GB")
    with pytest.raises(PostgresConflict, match="which is more than 1GB"):
        own.dry_run("postgresql.set", name="effective_cache_size", value="1GB")


def test_a_change_asks_and_has_an_undo(own):
    action = own.catalog.action("postgresql.set")
    assert (action.risk, action.effect_class) == (Risk.APPROVAL, Effect.REVERSIBLE)


def test_a_reload_reads_the_files_and_refuses_a_wrong_one(own):
    file = own.cluster.data / "postgresql.conf"
    text = file.read_text()
    own.cluster.configure(work_mem="7MB")
    assert own.dry_run("postgresql.reload").changes
    assert setting(own, "work_mem") == "4MB"
    own.run("postgresql.reload")
    assert setting(own, "work_mem") == "7MB"
    own.cluster.configure(work_mem="nonsense")
    with pytest.raises(PostgresConflict, match="work_mem"):
        own.run("postgresql.reload")
    file.write_text(text)
    own.run("postgresql.reload")


@pytest.mark.feature("F224")
def test_a_restart_cuts_every_connection_and_starts_a_server_that_is_down(own):
    with own.cluster.connect() as client:
        assert "would be run" in own.dry_run("postgresql.restart").summary
        assert client.execute("SELECT 1").fetchone() == (1,)
        own.run("postgresql.restart")
        with pytest.raises(Exception, match=r"terminat|closed"):
            client.execute("SELECT 1")
    own.cluster.stop()
    assert own.read("postgresql.up") == 0
    own.run("postgresql.restart")
    assert own.read("postgresql.up") == 1


@pytest.mark.parametrize("control", [(), ("pg_ctl", "restart"), ("no-such-command", "{verb}")])
def test_without_a_usable_command_a_restart_is_refused_before_anything_stops(own, control):
    world = World(own.cluster, control=control)
    for ask in (world.dry_run, world.run):
        with pytest.raises(PostgresNotConfigured) as refused:
            ask("postgresql.restart")
        assert refused.value.hint()
    world.close()


def test_a_command_that_fails_says_why(own):
    world = World(own.cluster, control=("sh", "-c", "echo no rights to {verb} >&2; exit 3"))
    with pytest.raises(TrimtabError, match="no rights to restart"):
        world.run("postgresql.restart")
    world.close()
