"""The state machine: its shape, and that no story whatsoever leaves an incident hanging."""

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.incidents.operator import make_operator
from tests.incidents.world import PUMP, TAP
from trimtab.incidents import State
from trimtab.incidents.errors import IllegalTransition, NothingToDecide
from trimtab.incidents.state import TRANSITIONS, check_transition

states = st.sampled_from(State)


def reachable(start):
    seen, waiting = set(), [start]
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            waiting += TRANSITIONS[here]
    return seen


@pytest.mark.parametrize("state", State)
def test_from_every_state_there_is_a_way_to_resolved(state):
    assert State.RESOLVED in reachable(state)


def test_resolved_is_reached_only_over_restored_and_restored_only_from_watching():
    assert [s for s in State if State.RESOLVED in TRANSITIONS[s]] == [State.RESTORED]
    assert {s for s in State if State.RESTORED in TRANSITIONS[s]} == {
        State.VERIFYING,
        State.ESCALATED,
        State.NOT_VERIFIED,
    }


def test_nothing_executes_without_a_plan():
    before = {s for s in State if State.EXECUTING in TRANSITIONS[s]}
    assert before == {State.DIAGNOSED, State.AWAITING_APPROVAL}


@given(states, states)
def test_a_step_is_refused_exactly_when_it_is_not_drawn(here, there):
    if there is here or there in TRANSITIONS[here]:
        check_transition(here, there)
    else:
        with pytest.raises(IllegalTransition):
            check_transition(here, there)


def play(folder, *, tap, pump, stuck, leaks, proven, answer):
    """Let one story happen; return the operator and the incident at its end."""
    operator = make_operator(Path(folder))
    operator.prove(*proven)
    operator.world.put(tap=int(tap), pump=int(pump), level=1, broken=sorted(stuck))
    effect = operator.world.effect
    if leaks:
        operator.world.effect = lambda context, what, **values: effect(
            context, what, **{name: v for name, v in values.items() if name != "level"}
        )

    def decide(_topic):
        incident = operator.incidents.list()[0]
        if incident.state is State.AWAITING_APPROVAL and answer != "silence":
            act = operator.incidents.approve if answer == "yes" else operator.incidents.reject
            with suppress(NothingToDecide):
                act(incident.id, incident.episode.plan.hash, "alice")

    operator.jobs.while_waiting = decide
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    return operator, operator.incidents.get(incident.id)


@given(
    story=st.fixed_dictionaries(
        {
            "tap": st.booleans(),
            "pump": st.booleans(),
            "stuck": st.sets(st.sampled_from(["close_tap", "refill", "swap_pump", "drain"])),
            "leaks": st.booleans(),
            "proven": st.sets(st.sampled_from([TAP, PUMP])),
            "answer": st.sampled_from(["yes", "no", "silence"]),
        }
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_story_ends_with_a_proof_or_a_person_and_leaves_no_half_done_fix(story):
    with tempfile.TemporaryDirectory() as folder:
        operator, done = play(folder, **story)
        effects = operator.effects()
        assert done.state in {State.RESOLVED, State.ESCALATED}
        if done.state is State.RESOLVED:
            assert not operator.world.firing("")
        else:
            assert effects.count("open_tap") == effects.count("close_tap")
            assert done.episode.called
        if story["answer"] != "yes":
            assert "swap_pump" not in effects
            assert TAP in story["proven"] or "close_tap" not in effects
        seqs = [entry.seq for entry in operator.incidents.timeline(done.id)]
        assert seqs == list(range(1, len(seqs) + 1))
