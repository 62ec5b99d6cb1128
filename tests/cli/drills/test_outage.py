"""The drill of a whole outage, as it is run by hand."""

import json

import pytest

from trimtab.cli.drills import outage

pytestmark = pytest.mark.timeout(900)  # It starts a service twice.


@pytest.mark.feature("F297", "F320")
def test_a_killed_service_calls_people_once_and_comes_back_with_everything(command):
    done = command("drills", "outage", "--json")
    found = json.loads(done.out)
    assert [each["name"] for each in found["steps"] if not each["passed"]] == []
    assert (done.code, found["passed"]) == (0, True)
    assert [each["name"] for each in found["steps"]] == [
        "serves", "down", "noticed", "people called", "back", "people told", "nothing lost", "recorded",
    ]  # fmt: skip


def test_a_step_that_fails_ends_with_code_1(monkeypatch, trimtab):
    failed = outage.OutageStep("people called", passed=False, detail="0 events")
    monkeypatch.setattr(outage, "_drill", lambda *_: iter([failed]))
    done = trimtab("drills", "outage")
    assert done.code == 1
    assert "The outage drill FAILED." in done.out
