"""Plans that people and agents propose: tried dry, approved by another one, verified or taken back."""

import pytest

from tests.incidents.operator import change, make_operator, until
from trimtab.incidents import State, cause_text
from trimtab.incidents.errors import NotPossibleNow, OwnProposal, ProposalRefused
from trimtab.incidents.proposals import Proposal, propose
from trimtab.kernel.operable import ActionResult, BadArguments, UnknownName
from trimtab.runbooks import Act

REFILL = Act("tank.refill", {"litres": 9}, 0)


@pytest.fixture
def operator(tmp_path):
    return make_operator(tmp_path)


@pytest.fixture
def escalated(operator):
    """Return an incident that no cause of its runbook explains."""
    operator.world.put(level=1)
    return until(operator, operator.fire(), State.ESCALATED)


def proposed(operator, incident, *acts, by="agent:helper"):
    given = Proposal("A lorry took the water", acts or (REFILL,))
    return propose(operator.context, operator.incidents, incident.id, given, by)


def test_an_approved_proposal_runs_and_ends_the_incident(operator, escalated):
    plan = proposed(operator, escalated)
    assert operator.incidents.get(escalated.id).state is State.AWAITING_APPROVAL
    assert operator.effects() == []
    operator.incidents.approve(escalated.id, plan.hash, "alice")
    operator.jobs.run()
    after = operator.incidents.get(escalated.id)
    assert (after.state, operator.effects()) == (State.RESOLVED, ["refill"])
    assert after.attempts[-1].cause_id == "proposed-plan"
    assert cause_text(after) == "not confirmed (suspected: A lorry took the water)"
    assert "A lorry took the water" in operator.incidents.postmortem(escalated.id)
    assert "Correct the runbook" not in operator.incidents.postmortem(escalated.id)


def test_the_proposer_is_named_in_journal_ledger_and_audit_chain(operator, escalated):
    plan = proposed(operator, escalated)
    operator.incidents.approve(escalated.id, plan.hash, "alice")
    operator.jobs.run()
    entries = operator.incidents.timeline(escalated.id)
    planned = next(each for each in entries if each.text.startswith("Planned 1 act on tank"))
    assert planned.actor == "agent:helper"
    assert "agent:helper has proposed it for: A lorry took the water" in planned.text
    assert any(each.actor == "proposal:agent:helper" for each in entries)
    actions = [(event.actor, event.action) for event in operator.audit.recent(50)]
    assert ("agent:helper", "incidents.proposed") in actions
    assert ("alice", "incidents.approved") in actions


def test_who_proposes_may_not_approve_and_may_reject(operator, escalated):
    plan = proposed(operator, escalated)
    with pytest.raises(OwnProposal):
        operator.incidents.approve(escalated.id, plan.hash, "agent:helper")
    operator.incidents.reject(escalated.id, plan.hash, "agent:helper", "A mistake.")
    after = until(operator, escalated, State.ESCALATED)
    assert operator.effects() == []
    assert after.attempts[-1].outcome == "rejected"


def test_a_proposal_that_does_not_help_is_taken_back(operator, escalated):
    change(operator, "tank.refill", run=lambda *_: ActionResult("In vain.", undo_arguments={}))
    plan = proposed(operator, escalated)
    operator.incidents.approve(escalated.id, plan.hash, "alice")
    operator.jobs.run(until=lambda: "drain" in operator.effects())
    after = until(operator, escalated, State.ESCALATED)
    assert operator.effects() == ["drain"]
    assert after.attempts[-1].outcome == "did_not_help"


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (Act("tank.explode", {}, 0), UnknownName),
        (Act("tank.refill", {"litres": "many"}, 0), BadArguments),
        (Act("tank.refill", {"litres": 9, "force": True}, 0), BadArguments),
    ],
)
def test_what_is_not_in_the_catalog_is_not_planned(operator, escalated, act, error):
    with pytest.raises(error):
        proposed(operator, escalated, REFILL, act)
    assert operator.incidents.get(escalated.id).state is State.ESCALATED


@pytest.mark.parametrize(("count", "accepted"), [(0, False), (10, True), (11, False)])
def test_a_proposal_has_one_to_ten_acts(operator, escalated, count, accepted):
    given = Proposal("Too little water", (REFILL,) * count)
    if accepted:
        assert propose(operator.context, operator.incidents, escalated.id, given, "a").acts
        return
    with pytest.raises(ProposalRefused):
        propose(operator.context, operator.incidents, escalated.id, given, "a")


def test_plans_are_proposed_for_escalated_incidents_only(operator):
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    with pytest.raises(NotPossibleNow, match="is detected"):
        proposed(operator, incident)
    until(operator, incident, State.AWAITING_APPROVAL)
    with pytest.raises(NotPossibleNow, match="Another plan"):
        proposed(operator, incident)
