"""`restart` and `rollback` on a running service."""

import pytest

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.


@pytest.mark.feature("F452")
def test_a_service_is_restarted_in_its_process_and_keeps_what_it_has(serve, command, tmp_path):
    (tmp_path / "rudder.txt").write_text("The rudder is turned with little force by a trim tab.")
    service = serve()
    assert command("ingest", "ship", str(tmp_path / "rudder.txt")).code == 0
    before = command("audit", "list", "--json").json
    done = command("restart", "--yes", "--json")
    assert (done.code, done.json["restarted"]) == (0, True)
    assert service.process.poll() is None
    found = command("search", "ship", "rudder", "--json")
    assert found.code == 0
    assert "trim tab" in found.out
    actions = [event["action"] for event in command("audit", "list", "--json").json["events"]]
    assert actions.count("service.started") == 2
    assert actions.count("service.stopped") == 1
    assert before
    assert command("restart").code == 3
    planned = command("rollback", "configuration", "--dry-run")
    assert planned.code == 3
    assert "service.nothing_to_roll_back" in planned.err or "change" in planned.err


def test_a_change_of_the_configuration_is_rolled_back_and_verified(serve, command):
    serve()
    assert command("act", "knowledge.cache.resize", "query=500", "--approve").code == 0
    dry = command("rollback", "configuration", "--dry-run")
    assert dry.code == 0
    assert "knowledge.cache.resize" in dry.out
    assert command("rollback", "configuration").code == 3
    done = command("rollback", "configuration", "--yes", "--json")
    assert done.code == 0
    assert done.json["verified"] is True
    assert "Rolled back knowledge.cache.resize" in done.json["done"]["summary"]
