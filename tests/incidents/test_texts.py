"""What the texts say at their limits, and where they must say nothing."""

from datetime import timedelta

import pytest

from tests.incidents.operator import alert, make_operator
from tests.incidents.records import START, drift_alert, drift_incident
from tests.incidents.world import PUMP, TAP
from trimtab.incidents import Proofs, State, proof_entry
from trimtab.incidents.clocks import read_clocks
from trimtab.incidents.evidence import confidences, finding_text
from trimtab.incidents.ladders import load_ladders
from trimtab.incidents.model import (
    Attempt,
    AttemptOutcome,
    Entry,
    EvidenceFinding,
    IncidentSeverity,
)
from trimtab.incidents.postmortem import render, render_report
from trimtab.incidents.proofs import DrillProof
from trimtab.incidents.statements import cause_text, closing_text, resolution_without_fix
from trimtab.incidents.triage import component_of, severity_of, triage
from trimtab.kernel.operable import Realism


def written(incident, *entries, now=None):
    clocks = read_clocks(
        incident, load_ladders()[incident.ladder], incident.episode.restored_at or START
    )
    return render(incident, entries, clocks, now or incident.episode.restored_at or START)


def reported(incident, *entries):
    clocks = read_clocks(incident, load_ladders()[incident.ladder], incident.episode.restored_at)
    return render_report(incident, entries, clocks)


def line(text, start):
    return next(each for each in text.splitlines() if each.startswith(start))


@pytest.mark.feature("F387")
@pytest.mark.parametrize("hour", [0, 23])
def test_action_items_are_due_in_exactly_48_hours(hour):
    now = START.replace(hour=hour, minute=30)
    assert "by 2026-03-16)" in written(drift_incident(), now=now)


def test_a_report_tells_the_first_alert_once_and_every_later_entry():
    entries = [Entry(seq, START, "detected", "operator", f"said {seq}", {}) for seq in (1, 2, 3)]
    text = reported(drift_incident(), *entries)
    assert "said 1" not in text
    assert "- 09:00 - said 2\n- 09:00 - said 3\n" in text


@pytest.mark.parametrize(
    ("seconds", "told"), [(29, "0 minutes"), (60, "1 minute"), (120, "2 minutes")]
)
def test_a_duration_of_one_minute_is_told_as_one(seconds, told):
    incident = drift_incident(restored_at=START + timedelta(seconds=seconds))
    assert line(reported(incident), "**Duration**") == f"**Duration**: {told}"


@pytest.mark.parametrize(("opening", "again"), [(1, False), (2, True)])
def test_only_a_reopened_incident_has_come_back(opening, again):
    text = written(drift_incident(number=opening))
    assert ("it came back after it was resolved" in text) is again
    lasting = line(text, "- Infrastructure improvements")
    assert ("the repair did not last" in lasting) is again
    assert ("to be decided in the review" in lasting) is not again


@pytest.mark.parametrize(("tried", "several"), [(1, False), (2, True)])
def test_only_several_attempts_ask_for_more_evidence(tried, several):
    attempts = (Attempt(1, TAP, AttemptOutcome.WORKED, START),) * tried
    text = line(written(drift_incident(attempts=attempts)), "- Changes to monitoring")
    assert ("tell the causes apart with more evidence" in text) is several


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "to be decided in the review"),
        ({"cause_verified": False}, "check whether the alert was justified"),
        ({"cause_verified": False, "restored_at": None}, "to be decided in the review"),
    ],
)
def test_an_alert_that_ended_without_a_verified_repair_is_questioned(changes, told):
    assert told in line(written(drift_incident(**changes)), "- Changes to monitoring")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "none needed: the fix was run and its checks held afterwards"),
        ({"runbooks": ()}, "write one for this alert"),
        ({"cause_verified": False}, "unknown: no fix of a runbook was run and verified"),
        ({"attempts": (Attempt(1, TAP, AttemptOutcome.REJECTED, START),)}, f"{TAP} rejected"),
        (
            {"attempts": (Attempt(2, TAP, AttemptOutcome.REJECTED, START),)},
            "none needed: the fix was run and its checks held afterwards",
        ),
    ],
)
def test_what_is_to_be_done_about_the_runbooks_follows_from_what_was_tried(changes, told):
    assert line(written(drift_incident(**changes)), "- Changes to runbooks").endswith(told)


@pytest.mark.parametrize(
    ("changes", "investigated", "ended"),
    [
        ({}, "Root cause identified", "Service restored"),
        ({"cause_verified": False}, "Cause suspected, not confirmed", "Alerts ended"),
        ({"cause_verified": False, "root_cause": ""}, "No cause identified", "Alerts ended"),
        ({"cause_verified": False, "diagnosed_at": None}, "Not investigated (", "Alerts ended"),
        (
            {"cause_verified": False, "diagnosed_at": None, "restored_at": None},
            "Not investigated yet",
            "Not restored yet",
        ),
        (
            {"cause_verified": False, "closed_by": "alice"},
            "Cause suspected, not confirmed",
            "Closed by a person, not verified",
        ),
    ],
)
def test_the_timeline_says_only_what_has_happened(changes, investigated, ended):
    text = written(drift_incident(**changes))
    assert f"— {investigated}" in text
    assert f"{ended} (resolution)" in text


def test_which_clocks_were_kept_is_said_and_which_ran_over():
    late = drift_incident(diagnosed_at=START + timedelta(minutes=12))
    text = written(late)
    kept = line(text, "1. What went well")
    assert "triage in time" in kept
    assert "investigation in time" not in kept
    assert "resolution in time" in kept
    assert "escalation in time" not in kept
    assert "the repair was verified" in kept
    assert "the investigation clock ran over" in line(text, "2. What could be improved")
    running = written(drift_incident(restored_at=None, cause_verified=False))
    assert "resolution in time" not in line(running, "1. What went well")


def test_the_root_cause_is_told_with_the_evidence_of_that_cause(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    operator.jobs.run()
    text = operator.incidents.get(incident.id).episode.postmortem
    root = text.split("## Root Cause\n")[1].splitlines()[0]
    assert root == "the tap is open (confidence 0.78). Evidence: `tap_open == 1`."


def test_the_end_of_an_incident_is_told_in_one_word_group():
    assert closing_text(drift_incident(restored_at=None)) == ""
    assert closing_text(drift_incident(closed_by="alice")) == "closed by a person, not verified"
    assert closing_text(drift_incident()) == "repair verified"
    unsure = closing_text(drift_incident(cause_verified=False))
    assert unsure == "alerts ended, cause not confirmed"


def test_a_verified_cause_is_told_without_a_doubt_and_none_as_unknown():
    assert cause_text(drift_incident()) == "Vendor API format change affecting V14"
    assert cause_text(drift_incident(cause_verified=False, root_cause="")) == "unknown"
    assert cause_text(drift_incident(cause_verified=False)) == (
        "not confirmed (suspected: Vendor API format change affecting V14)"
    )


def test_who_ended_the_alerts_is_unknown_only_when_people_had_the_incident(operator):
    ended = resolution_without_fix
    incident = drift_incident(opened_at=operator.clock.now())
    assert ended(operator.context, incident) == "Ended by itself: no act is recorded."
    handed = incident.updated(state=State.ESCALATED)
    assert "what ended the alerts is unknown" in ended(operator.context, handed)
    operator.audit.append("alice", "catalog.acted", "tank.refill")
    assert "Actions run by people since it opened: tank.refill at 09:00." in ended(
        operator.context, handed
    )


def test_evidence_that_cannot_be_told_counts_neither_way():
    assert confidences([[EvidenceFinding("x", None)]], [0]) == [0.5]
    assert confidences([[EvidenceFinding("x", None), EvidenceFinding("x", holds=True)]], [0]) == [
        0.8
    ]
    assert confidences([[EvidenceFinding("x", holds=False)]], [0]) == [0.125 / 1.125]


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (EvidenceFinding("x", holds=True), "holds"),
        (EvidenceFinding("x", holds=False), "does not hold"),
        (EvidenceFinding("x", None, error="no samples"), "cannot tell: no samples"),
        (EvidenceFinding("x", None), "cannot tell: unknown"),
    ],
)
def test_a_finding_is_told_in_three_ways(finding, text):
    assert finding_text(finding) == text


@pytest.mark.feature("F346")
@pytest.mark.parametrize(
    ("labels", "component"),
    [
        ({"instance": "i"}, "i"),
        ({"instance": "i", "job": "j"}, "j"),
        ({"job": "j", "project": "p"}, "p"),
        ({"project": "p", "service": "s"}, "s"),
        ({"service": "s", "model": "m"}, "m"),
        ({"model": "m", "component": "c"}, "c"),
        ({}, "ModelDriftCritical"),
    ],
)
def test_what_is_affected_is_the_most_specific_label(labels, component):
    assert component_of(drift_alert(labels=labels)) == component


@pytest.mark.parametrize("level", ["critical", "warning", "low", "info"])
def test_a_level_that_neither_alert_nor_runbook_knows_as_severity_is_translated(level):
    expected = {"critical": "P1", "warning": "P2"}.get(level, "P3")
    assert severity_of(drift_alert(labels={"severity": level}), "") == IncidentSeverity(expected)


@pytest.mark.parametrize(
    ("label", "ladder", "system"), [("gates", "gates", "MISO"), ("rope", "knowledge", "KB")]
)
def test_without_a_runbook_the_label_names_the_ladder_if_there_is_one(
    tmp_path, label, ladder, system
):
    operator = make_operator(tmp_path)
    object.__setattr__(operator.context.library, "runbooks", {})
    incident = operator.incidents.alert_fired(alert(operator.clock.now(), ladder=label))
    after = triage(operator.context, incident).incident
    assert (after.ladder, after.system, after.runbooks) == (ladder, system, ())


def test_a_person_closes_an_escalated_incident_without_an_attempt_being_counted(operator):
    operator.world.put(pump=0, level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).episode.plan is not None)
    waiting = operator.incidents.get(incident.id)
    operator.incidents.reject(incident.id, waiting.episode.plan.hash, "bob")
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    operator.world.put(level=9)
    closed = operator.incidents.close(incident.id, "alice")
    assert closed.episode.plan is not None
    assert [attempt.outcome for attempt in closed.attempts] == ["rejected"]
    assert closed.episode.resolution == "Closed by a person; not verified."


def test_a_proof_of_this_machine_decides_before_a_shipped_one(operator):
    store, library = operator.context.store, operator.context.library
    book, cause = library.cause(TAP)
    wanted = book.proof_hash("build")
    shipped = {TAP: DrillProof(wanted, Realism.REAL), PUMP: DrillProof("old", Realism.REAL)}
    proofs = Proofs(store, "build", shipped)
    assert proofs.find(book, cause) == shipped[TAP]
    assert (proofs.proven(book, cause), proofs.proven(*library.cause(PUMP))) == (True, False)
    assert Proofs(store, "build").find(book, cause) is None
    proofs.add(book, cause, START, realism=Realism.SIMULATED, reason="no tank is here")
    assert proofs.find(book, cause) == DrillProof(wanted, Realism.SIMULATED, "no tank is here")


def test_a_list_of_causes_tells_whether_and_how_each_is_proven():
    assert proof_entry(None) == {"proven": False, "realism": "", "realism_reason": ""}
    assert proof_entry(DrillProof("p", Realism.SIMULATED, "why")) == {
        "proven": True,
        "realism": "simulated",
        "realism_reason": "why",
    }
