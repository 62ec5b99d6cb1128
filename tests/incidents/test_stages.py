"""Single stages, called directly, at their limits."""

from datetime import timedelta

import pytest

from tests.incidents.operator import make_operator
from tests.incidents.world import PUMP, TAP
from trimtab.incidents import State, cause_text
from trimtab.incidents.approvals import await_approval
from trimtab.incidents.diagnose import diagnose, investigate
from trimtab.incidents.evidence import look
from trimtab.incidents.model import Attempt, AttemptOutcome
from trimtab.incidents.ports import CheckJudgement
from trimtab.incidents.proofs import shipped_proofs
from trimtab.kernel.operable import Sample
from trimtab.runbooks.commands import Check


@pytest.mark.parametrize(("left", "waits"), [(0.5, True), (0.0, False)])
def test_an_approval_ends_exactly_when_its_time_is_over(waiting, left, waits):
    operator, incident = waiting
    expires = operator.incidents.approval(incident.id).expires_at
    operator.clock.advance((expires - operator.clock.now()).total_seconds() - left)
    transition = await_approval(operator.context, incident)
    assert (transition.incident.state is State.AWAITING_APPROVAL) is waits


def test_a_decision_stands_in_the_journal_with_its_name(waiting):
    operator, incident = waiting
    operator.incidents.approve(incident.id, incident.episode.plan.hash, "alice")
    entry = operator.incidents.timeline(incident.id)[-1]
    assert (entry.actor, dict(entry.facts)) == ("alice", {"decision": "approved"})


@pytest.mark.parametrize(("level", "state"), [(1, State.DIAGNOSED), (9, State.VERIFYING)])
def test_an_alert_that_is_quiet_is_watched_instead_of_diagnosed(operator, level, state):
    operator.world.put(tap=1, level=1)
    incident = operator.fire().updated(state=State.TRIAGED)
    operator.world.put(level=level)
    assert diagnose(operator.context, incident).incident.state is state


def test_a_supported_cause_that_may_not_be_tried_is_named_as_the_reason(operator):
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    tried = Attempt(1, TAP, AttemptOutcome.ACT_FAILED, operator.clock.now())
    found = investigate(operator.context, incident.updated(attempts=(tried,)))
    assert found.abstained_because == "the tap is open: tried before: act failed"


def test_the_suspected_cause_is_told_with_its_own_confidence(operator):
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    found = investigate(operator.context, incident)
    sure = {each.title: each.confidence for each in found.candidates}
    told = {
        title: cause_text(incident.updated(diagnosis=found, root_cause=title)) for title in sure
    }
    assert told == {
        title: f"not confirmed (suspected: {title}, confidence {confidence:.2f})"
        for title, confidence in sure.items()
    }
    assert len(set(sure.values())) == 2
    assert cause_text(incident) == "unknown"


@pytest.mark.parametrize(("series", "shown"), [(5, 5), (6, 5)])
def test_at_most_five_values_of_a_check_are_kept(operator, series, shown):
    samples = [Sample(float(number)) for number in range(series)]
    operator.world.judge = lambda _, **_kind: CheckJudgement(holds=True, samples=samples)
    found = look(operator.context, operator.fire(), Check("tap_open == 1", 0.0, 60.0, line=1))
    assert found.values == tuple(float(number) for number in range(shown))


def test_a_drills_repair_earns_no_credit(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    with operator.incidents.drill():
        incident = operator.fire()
    operator.jobs.run()
    assert operator.incidents.get(incident.id).episode.cause_verified
    assert operator.context.store.worked_ever() == {}


def test_a_missing_proofs_file_proves_nothing(tmp_path):
    assert shipped_proofs(tmp_path / "none.json") == {}


def test_an_attempt_ends_in_one_of_these_ways():
    assert {outcome.value for outcome in AttemptOutcome} == {
        "worked",
        "did_not_help",
        "act_failed",
        "timed_out",
        "changed_nothing",
        "not_verified",
        "not_plannable",
        "rejected",
        "not_answered",
    }


def test_both_causes_of_the_page_are_weighed(tmp_path):
    operator = make_operator(tmp_path)
    operator.world.put(tap=1, level=1)
    found = investigate(operator.context, operator.fire())
    assert [each.cause_id for each in found.candidates] == [TAP, PUMP]
    assert found.at - operator.clock.now() == timedelta(0)
