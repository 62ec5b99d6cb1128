import re

import pytest

from tests.incidents.records import START, drift_incident
from tests.incidents.world import TAP
from trimtab.incidents.clocks import read_clocks
from trimtab.incidents.ladders import load_ladders
from trimtab.incidents.model import Attempt, AttemptOutcome, Entry
from trimtab.incidents.postmortem import render, render_report

TITLES = [
    "What Happened",
    "Root Cause",
    "Timeline",
    "Impact",
    "Lessons Learned",
    "Preventive Measures",
]


def written(incident, *entries):
    now = incident.episode.restored_at
    clocks = read_clocks(incident, load_ladders()[incident.ladder], now)
    return render(incident, entries, clocks, now)


def section(text, title):
    return text.split(f"## {title}\n")[1].split("\n\n")[0].splitlines()


@pytest.mark.feature("F381", "F382", "F383", "F365")
def test_title_and_sections_stand_in_the_documents_order():
    text = written(drift_incident())
    assert text.startswith("# Post-Mortem: INC-2026-0314\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == TITLES
    assert "Retrained model with updated feature pipeline" in text


@pytest.mark.feature("F384")
def test_the_timeline_has_the_six_stages_with_their_minutes():
    assert section(written(drift_incident()), "Timeline") == [
        "- 09:00 — Alert triggered (detection)",
        "- 09:01 — Agent began investigation (triage)",
        "- 09:08 — Root cause identified (investigation)",
        "- 09:20 — Remediation started (action)",
        "- 09:45 — Service restored (resolution)",
        "- 09:45 — Post-mortem completed",
    ]


@pytest.mark.feature("F385")
def test_the_impact_tells_duration_systems_and_users():
    assert section(written(drift_incident()), "Impact") == [
        "- Duration: 45 minutes",
        "- Affected systems: classifier_v2",
        "- User impact: not measured",
    ]


def test_a_measured_impact_stands_in_the_post_mortem(operator):
    object.__setattr__(operator.context, "impact", lambda seconds: f"{seconds:g} s of trouble")
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    operator.jobs.run()
    done = operator.incidents.get(incident.id)
    lasted = (done.episode.restored_at - done.episode.opened_at).total_seconds()
    assert f"- User impact: {lasted:g} s of trouble" in done.episode.postmortem


def test_an_impact_that_cannot_be_measured_keeps_no_incident_open(operator):
    object.__setattr__(operator.context, "impact", lambda seconds: 1 / 0)
    incident = operator.fire()
    operator.jobs.run()
    done = operator.incidents.get(incident.id)
    assert done.state == "resolved"
    assert "- User impact: not measured" in done.episode.postmortem


@pytest.mark.feature("F386", "F387", "F743")
def test_the_lessons_are_three_and_action_items_have_owner_and_deadline():
    lessons = section(written(drift_incident(approved_by="alice")), "Lessons Learned")
    assert [line[:3] for line in lessons] == ["1. ", "2. ", "3. "]
    assert "What went well: triage in time; investigation in time" in lessons[0]
    assert "(owner: alice, by 2026-03-16)" in lessons[2]


@pytest.mark.feature("F388", "F367")
def test_the_preventive_measures_are_of_three_kinds():
    kinds = [
        line.split(":")[0] for line in section(written(drift_incident()), "Preventive Measures")
    ]
    assert kinds == [
        "- Changes to monitoring/alerting",
        "- Changes to runbooks",
        "- Infrastructure improvements",
    ]


@pytest.mark.feature("F368", "F745")
def test_what_the_runbooks_did_not_know_becomes_work_on_the_runbooks():
    failed = (Attempt(1, TAP, AttemptOutcome.DID_NOT_HELP, START),)
    assert f"Correct the runbook: {TAP} did not help" in written(drift_incident(attempts=failed))
    assert "Write a runbook for ModelDriftCritical" in written(drift_incident(runbooks=()))


@pytest.mark.feature("F744")
def test_a_post_mortem_looks_at_systems_and_names_people_only_for_what_is_to_be_done():
    failed = (Attempt(1, TAP, AttemptOutcome.DID_NOT_HELP, START),)
    text = written(drift_incident(approved_by="alice", attempts=failed))
    named = [line for line in text.splitlines() if "alice" in line]
    assert [line[:15] for line in named] == ["3. Action items"]
    assert named[0].count("(owner: alice, by ") == 2
    assert "Infrastructure improvements" in text


def test_what_went_wrong_is_said():
    text = written(
        drift_incident(number=2),
        Entry(1, START, "executing", "operator", "x", {"resumed_after_crash": True}),
    )
    assert "it came back after it was resolved; the operator itself was interrupted" in text


def test_calls_that_no_channel_has_accepted_are_what_went_wrong():
    calls = [
        Entry(at, START, "triaged", "operator", "x", {"who": who, "message_key": who, "receivers": ["pager"]})
        for at, who in enumerate(("Engineer", "Lead", "Manager"), start=1)
    ]  # fmt: skip
    receipts = [
        Entry(at, START, "triaged", "notify", "x", {"receipt_of": who, "receiver": "pager", "accepted": accepted})
        for at, (who, accepted) in enumerate((("Engineer", True), ("Lead", False)), start=4)
    ]  # fmt: skip
    _, improve, _ = section(written(drift_incident(), *calls, *receipts), "Lessons Learned")
    assert improve.endswith(
        ": Lead: page not accepted by pager; Manager: page not delivered yet (pager)"
    )


@pytest.mark.feature("F742")
def test_the_same_record_reads_as_an_incident_report():
    incident = drift_incident()
    clocks = read_clocks(incident, load_ladders()["agentops"], incident.episode.restored_at)
    text = render_report(incident, [Entry(1, START, "detected", "operator", "x", {})], clocks)
    assert text.startswith("# Incident Report: Model Drift Critical\n\n**Date**: 2026-03-14\n")
    assert re.findall(r"^\*\*(\w+)\*\*", text, re.M) == ["Date", "Severity", "Duration", "Impact"]
    assert re.findall(r"^## (.*)$", text, re.M) == [
        "Timeline",
        "Root Cause",
        "Resolution",
        "Action Items",
    ]
    assert "- 09:00 - Alert fired: Model Drift Critical" in text
    assert "- [ ] " in text


@pytest.mark.feature("F366")
def test_the_post_mortem_is_kept_with_the_incident(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    assert "Resolution: not yet" in operator.incidents.postmortem(incident.id)
    operator.jobs.run()
    text = operator.incidents.postmortem(incident.id)
    assert text == operator.incidents.get(incident.id).episode.postmortem
    assert "Resolution: close_tap was done. refill was done." in text
    github = [m.text for m in operator.outbox.about(incident.id) if m.channel == "github"]
    assert github == [text]
