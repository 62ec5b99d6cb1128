import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.incidents.operator import make_operator
from tests.incidents.records import drift_incident
from tests.incidents.world import PAGE, PUMP, TAP
from trimtab.incidents import State
from trimtab.incidents.diagnose import investigate
from trimtab.incidents.evidence import confidences
from trimtab.incidents.model import EvidenceFinding
from trimtab.incidents.similar import similar
from trimtab.kernel.errors import Unavailable

answers = st.sampled_from([True, False, None])
findings = st.lists(st.lists(answers, min_size=1, max_size=4), min_size=1, max_size=6)


def seen(*causes):
    return [[EvidenceFinding("x", holds) for holds in cause] for cause in causes]


@given(findings)
def test_confidences_are_shares_and_leave_room_for_none_of_them(causes):
    found = confidences(seen(*causes), [0] * len(causes))
    assert all(0 < each < 1 for each in found)
    assert sum(found) < 1


@given(findings, st.data())
def test_one_more_piece_of_evidence_that_holds_never_makes_a_cause_less_likely(causes, data):
    which = data.draw(st.integers(0, len(causes) - 1))
    more = [[*cause, True] if at == which else cause for at, cause in enumerate(causes)]
    past = [0] * len(causes)
    assert confidences(seen(*more), past)[which] > confidences(seen(*causes), past)[which]


def test_the_documented_examples_are_right():
    assert confidences(seen([True]), [0]) == [0.8]
    assert [round(c, 2) for c in confidences(seen([True], [True]), [0, 0])] == [0.44, 0.44]
    assert round(confidences(seen(*[[True]] * 4), [0] * 4)[0], 2) == 0.24


def test_what_has_worked_before_is_likelier():
    first, second = confidences(seen([True], [True]), [0, 3])
    assert second > 3 * first


def incident_with(operator, **world):
    operator.world.put(level=1, **world)
    return operator.fire()


@pytest.mark.feature("F347", "F350", "F351", "F352", "F357")
def test_a_diagnosis_names_cause_confidence_and_what_to_do(operator):
    found = investigate(operator.context, incident_with(operator, tap=1))
    assert (found.cause_id, found.root_cause) == (TAP, "the tap is open")
    assert found.confidence == pytest.approx(4 / (1 + 4 + 0.125), abs=1e-3)
    assert found.recommended == (
        "trimtab act tank.close_tap",
        "trimtab act tank.refill litres=9",
    )
    assert found.gathered == {"tank.level": "1"}


def test_evidence_that_cannot_be_evaluated_supports_nothing(operator):
    incident = incident_with(operator, tap=1)

    def broken(expression):
        raise Unavailable("no samples")

    operator.world.evaluate = broken
    found = investigate(operator.context, incident)
    assert found.cause_id == ""
    assert found.candidates[0].findings[0].error == "no samples"


def test_too_many_equally_likely_causes_are_a_persons_to_tell_apart(tmp_path):
    operator = make_operator(tmp_path, min_confidence=0.5)
    found = investigate(operator.context, incident_with(operator, tap=1, pump=0))
    assert found.abstained_because == "2 causes are supported and none stands out"


@pytest.mark.feature("F355")
def test_recent_changes_of_people_are_shown_and_the_operators_own_are_not(operator):
    operator.audit.append("alice", "models.deployed", "classifier_v2")
    operator.audit.append("operator", "incidents.acted", "INC-1")
    found = investigate(operator.context, incident_with(operator))
    assert [(change.actor, change.action) for change in found.changes] == [
        ("alice", "models.deployed")
    ]


@pytest.mark.feature("F599")
def test_a_release_that_started_before_the_alert_is_shown_with_its_version(operator):
    operator.audit.append("trimtab", "service.started", "2.1.3")
    operator.clock.advance(600)
    incident = incident_with(operator)
    (change,) = investigate(operator.context, incident).changes
    assert (change.action, change.subject) == ("service.started", "2.1.3")
    assert incident.episode.opened_at - datetime.fromisoformat(change.at) == timedelta(minutes=10)


@pytest.mark.feature("F359")
def test_the_metrics_are_logged_without_anybodys_approval(tmp_path):
    operator = make_operator(tmp_path, automatic=False)
    incident = incident_with(operator, tap=1)
    operator.jobs.run(
        until=lambda: operator.incidents.get(incident.id).state is State.AWAITING_APPROVAL
    )
    assert operator.incidents.get(incident.id).episode.diagnosis.gathered == {"tank.level": "1"}
    assert operator.effects() == []


def test_changes_of_yesterday_are_no_longer_recent(operator):
    operator.audit.append("alice", "models.deployed", "classifier_v2")
    operator.clock.advance(25 * 3600)
    assert investigate(operator.context, incident_with(operator)).changes == ()


@pytest.mark.feature("F349")
def test_a_resolved_incident_of_the_same_kind_is_found_again(operator):
    operator.prove(TAP)
    first = incident_with(operator, tap=1)
    operator.jobs.run()
    operator.clock.advance(7200)
    found = investigate(operator.context, incident_with(operator, tap=1))
    assert [(one.incident_id, one.cause_id) for one in found.similar] == [(first.id, TAP)]


def test_the_likest_past_incident_comes_first():
    now = drift_incident(id="now")
    like = drift_incident(id="like", component="classifier_v2")
    other = drift_incident(id="other", title="Disk full", component="disk", alerts=now.alerts)
    assert similar(now, [other, like])[0].incident_id == "like"


@pytest.mark.feature("F348")
def test_without_a_runbook_the_handbook_is_asked_and_a_person_decides(tmp_path):
    operator = make_operator(tmp_path)
    asked = []
    object.__setattr__(
        operator.context, "consult", lambda question: asked.append(question) or ["page: text"]
    )
    object.__setattr__(operator.context.library, "runbooks", {})
    incident = incident_with(operator)
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    found = operator.incidents.get(incident.id).episode.diagnosis
    assert found.consulted == ("page: text",)
    assert "Level: 1 (threshold: 5)" in asked[0]
    assert found.abstained_because == "no runbook knows this alert"


def without_fixes(page):
    return re.sub(r"```sh (fix|verify)\n[^`]*```\n", "", page)


def test_evidence_of_a_cause_that_only_a_person_can_repair_is_awaited(tmp_path):
    operator = make_operator(tmp_path, page=without_fixes(PAGE))
    incident = incident_with(operator)
    started = operator.clock.now()
    operator.jobs.run(until=lambda: operator.clock.now() - started >= timedelta(seconds=60))
    assert operator.incidents.get(incident.id).state is State.TRIAGED
    operator.world.put(pump=0)
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    assert operator.incidents.get(incident.id).episode.root_cause == "the pump is broken"
    assert operator.clock.now() - started < timedelta(seconds=120)


def test_people_are_called_when_no_evidence_has_shown_in_time(tmp_path):
    operator = make_operator(tmp_path, page=without_fixes(PAGE))
    incident = incident_with(operator)
    started = operator.clock.now()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    assert timedelta(seconds=120) <= operator.clock.now() - started < timedelta(seconds=150)
    assert operator.incidents.get(incident.id).episode.root_cause == ""


@pytest.mark.feature("F391", "F392", "F393")
@pytest.mark.parametrize(
    ("nature", "team"),
    [
        ("upstream", "Data Engineering Team Lead"),
        ("infrastructure", "Platform Engineering"),
        ("security", "Security Team"),
    ],
)
def test_the_nature_of_a_cause_that_only_a_person_can_repair_decides_who_is_called(
    tmp_path, nature, team
):
    page = PAGE.replace("ladder: knowledge", "ladder: agentops")
    page = without_fixes(page.replace("nature=infrastructure", f"nature={nature}"))
    operator = make_operator(tmp_path, page=page)
    incident = incident_with(operator, pump=0)
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    assert operator.incidents.get(incident.id).episode.called == (team, "ML Team Lead")
    assert operator.incidents.get(incident.id).episode.root_cause == "the pump is broken"
    assert operator.effects() == []
    assert PUMP in {
        one.cause_id for one in operator.incidents.get(incident.id).episode.diagnosis.candidates
    }
