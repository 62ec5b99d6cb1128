"""What stays after a fix, receipts that belong to no incident, probes that hang, and jobs that nobody started."""

from dataclasses import replace

import pytest

from tests.incidents.operator import change, make_operator, until
from tests.incidents.records import drift_incident
from tests.incidents.world import PUMP, TAP
from trimtab.incidents import State, verify
from trimtab.incidents.similar import similar
from trimtab.infra.notify import Kind, Message, Receipt
from trimtab.kernel.operable import ActionResult


def without_help(operator, name, **result):
    """Let an action do nothing for the tank and say what it did."""
    change(operator, name, run=lambda *_: ActionResult("Done in vain.", **result))


def test_an_act_that_has_no_undo_stays_and_the_journal_says_why(tmp_path):
    operator = make_operator(tmp_path, preapproved=("tank.swap_pump",))
    operator.prove(PUMP)
    operator.world.put(pump=0, level=1)
    without_help(operator, "tank.swap_pump", undo_arguments={})
    texts = operator.texts(until(operator, operator.fire(), State.ESCALATED).id)
    assert "tank.swap_pump stays: the old pump works no worse." in texts
    assert "Not taken back: tank.swap_pump." in texts


@pytest.mark.parametrize(
    ("result", "said", "summed_up"),
    [
        ({}, "its result names nothing to take back", "Not taken back: tank.refill."),
        ({"changes": False}, "it changed nothing", ""),
    ],
)
def test_an_act_whose_result_names_no_undo_stays(operator, result, said, summed_up):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    without_help(operator, "tank.refill", **result)
    texts = operator.texts(until(operator, operator.fire(), State.ESCALATED).id)
    assert f"tank.refill stays: {said}." in texts
    assert f"Taken back: tank.close_tap. {summed_up}".strip() in texts
    assert operator.effects() == ["close_tap", "open_tap"]


def test_only_what_is_about_an_incident_and_for_people_is_noted(operator):
    incident = operator.fire()
    before = operator.texts(incident.id)
    note = operator.incidents.note_receipt
    about = Message("#incidents", Kind.ALERT, "text", "key", incident.id)
    for ignored in (
        replace(about, subject=""),
        replace(about, subject="INC-1"),
        replace(about, kind=Kind.RESOLUTION),
        replace(about, kind=Kind.POSTMORTEM),
    ):
        note(Receipt(ignored, "pager"))
    assert operator.texts(incident.id) == before
    note(Receipt(about, "pager"))
    assert operator.texts(incident.id) == [*before, "Delivered to pager: the alert."]


def test_a_probe_may_take_fifteen_seconds(operator, monkeypatch):
    limits = []
    run = verify.run_bounded

    def bounded(act, limit, name, late):
        limits.append((limit, name))
        return run(act, limit, name, late)

    monkeypatch.setattr(verify, "run_bounded", bounded)
    object.__setattr__(operator.context, "probe", lambda: operator.world.put(unsampled=[]))
    operator.prove(TAP)
    operator.world.put(tap=1, level=1, unsampled=["tank_level"])
    until(operator, operator.fire(), State.RESOLVED)
    assert limits == [(15.0, "the probe")]


def test_an_alert_starts_the_job_of_an_incident_that_has_none(tmp_path):
    first = make_operator(tmp_path)
    first.world.put(level=1)
    incident = first.fire()
    again = make_operator(tmp_path)
    again.world.put(level=9)
    again.incidents.alert_resolved(incident.alert.fingerprint, again.clock.now())
    again.jobs.run()
    assert again.incidents.get(incident.id).state is State.RESOLVED


def test_an_incident_is_not_its_own_likeness():
    incident = drift_incident()
    assert similar(incident, [incident]) == ()


def test_an_alert_that_fires_again_while_it_is_watched_without_a_plan_is_diagnosed(operator):
    watched = operator.fire().updated(state=State.VERIFYING)
    operator.world.put(level=1)
    transition = verify.verify(operator.context, watched)
    assert (transition.incident.state, transition.incident.attempts) == (State.TRIAGED, ())
    assert [entry.text for entry in transition.entries] == ["Not over: alert TankLow fires."]


def drilled(operator):
    """Return the incident of a drill whose alert fires on after it."""
    operator.world.put(tap=1, level=1)
    with operator.incidents.drill():
        incident = operator.fire()
    assert incident.drill
    return incident


@pytest.mark.parametrize(("minutes", "opened"), [(14.9, 0), (15, 1)])
def test_an_alert_that_outlasts_its_drill_gets_an_incident_of_its_own(operator, minutes, opened):
    drilled(operator)
    operator.clock.advance(minutes * 60)
    operator.incidents.resume()
    operator.incidents.resume()
    found = operator.incidents.list()
    assert [each.alert.name for each in found] == ["TankLow"] * opened


def test_an_alert_that_is_over_or_marked_stays_with_its_drill(operator):
    drilled(operator)
    operator.world.put(level=9)
    operator.clock.advance(3600)
    operator.incidents.resume()
    assert operator.incidents.list() == []
    operator.world.put(level=1)
    with operator.incidents.drill():
        operator.fire(drill="true")
    operator.incidents.alert_resolved(drilled(operator).alert.fingerprint, operator.clock.now())
    operator.clock.advance(3600)
    operator.incidents.resume()
    assert operator.incidents.list() == []


def test_no_alert_is_taken_from_a_drill_that_runs(operator):
    drilled(operator)
    operator.clock.advance(3600)
    with operator.incidents.drill():
        operator.incidents.resume()
    assert operator.incidents.list() == []
