from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.answers.world import World
from trimtab.answers import Question
from trimtab.answers.records import PipelineStage, SamplingRules, chosen

NEVER = SamplingRules(share=0.0)


def trace(**changes):
    world = World()
    answer = world.answer(Question("p", "How many entries does the query cache hold?"))
    found = world.traces.find(answer.trace_id)
    stages = changes.pop("stages", found.stages)
    return replace(found, answer=replace(found.answer, **changes), stages=stages)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"blocked": True, "found": False}, "blocked"),
        ({"degraded_mode": True}, "degraded"),
        ({"found": False}, "not_found"),
        ({"confidence": 0.49}, "low_confidence"),
        ({"confidence": 0.5}, ""),
    ],
)
def test_suspicious_answers_are_always_reviewed(changes, reason):
    assert NEVER.reason(trace(**changes)) == reason


def test_a_fallback_is_reviewed():
    found = trace()
    stages = (replace(found.stages[0], outcome="fallback"),)
    assert NEVER.reason(replace(found, stages=stages)) == "fallback"


def test_what_a_bypass_let_through_is_reviewed_whatever_else_is_wrong():
    found = trace(found=False)
    stages = (
        *found.stages,
        PipelineStage("guard_answer", 1.0, facts={"bypassed": {"facts": "block"}}),
    )
    assert NEVER.reason(replace(found, stages=stages)) == "bypassed"


def test_a_share_of_the_others_is_reviewed():
    assert SamplingRules(share=1.0).reason(trace()) == "sample"


@given(st.text(max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_includes_every_smaller_one(key, one, other):
    small, large = sorted((one, other))
    assert chosen(key, large) or not chosen(key, small)


def test_the_share_is_about_what_it_says():
    taken = sum(chosen(f"trace_{number}", 0.1) for number in range(5_000))
    assert 400 < taken < 600
