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


def test_its_changes_apply_before_the_call_returns(fleet):
    heard = []
    fleet.on_switch("bypass", heard.append)
    fleet.on_forget("cache", lambda: heard.append("forgotten"))
    fleet.set_switch("bypass", {"on": True})
    number = fleet.order_to_forget()
    assert heard == [{"on": True}, "forgotten"]
    assert fleet.behind(number) == []


def test_a_name_is_registered_once(fleet):
    fleet.on_switch("bypass", print)
    fleet.on_forget("cache", print)
    with pytest.raises(ValueError, match="registered twice"):
        fleet.on_switch("bypass", print)
    with pytest.raises(ValueError, match="registered twice"):
        fleet.on_forget("cache", print)
