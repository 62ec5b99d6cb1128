"""The fleet of one process on SQLite: it leads, answers, and applies its changes at once."""

import pytest

from trimtab.infra.fleet import Fleet, ProcessIdentity
from trimtab.testing.clock import FakeClock


@pytest.fixture
def fleet():
    return Fleet(ProcessIdentity("process_1", "all", "1.0", "here"), None, FakeClock())


def test_a_process_alone_leads_and_answers_without_a_thread(fleet):
    fleet.start()
    fleet.serve_at("http://localhost:8000")
    [process] = fleet.processes()
    assert (fleet.leads(), fleet.refusal(), fleet.task.state.started_at) == (True, None, None)
    assert (process.id, process.address, process.leader) == (
        "process_1",
        "http://localhost:8000",
        True,
    )


def test_an_alone_process_waits_for_no_one(fleet):
    assert fleet.behind(fleet.order_to_forget()) == []
    with fleet.claimed("work", 60) as first, fleet.claimed("work", 60) as second:
        assert (first, second) == (True, True)


def test_a_name_is_registered_once(fleet):
    fleet.share("bypass", dict, print)
    fleet.on_forget("cache", print)
    with pytest.raises(ValueError, match="shared twice"):
        fleet.share("bypass", dict, print)
    with pytest.raises(ValueError, match="registered twice"):
        fleet.on_forget("cache", print)
