"""Personal data in a trace, an answer or a log line is found, its trace is named, and the alert fires."""

import logging
from dataclasses import replace

import pytest

from tests.answers.service import QUESTION
from tests.answers.test_alerts import fires
from tests.answers.test_operable import Operated
from trimtab.answers.leaks import Leak
from trimtab.answers.records import PipelineStage, Question

CARD = "4111 1111 1111 1111"


@pytest.fixture
def whole(tmp_path):
    whole = Operated(tmp_path / "data")
    yield whole
    whole.close()


def kept(whole, *, user="ann", stages=None, blocked=False, **texts):
    """Keep a trace of an answer as some store or some older guard might have left it."""
    answer = whole.service.answer(Question("handbook", QUESTION, user_id=user))
    trace = whole.service.traces.find(answer.trace_id)
    again = replace(
        trace,
        id=f"{trace.id}-kept",
        answer=replace(trace.answer, blocked=blocked, **texts),
        stages=trace.stages if stages is None else stages,
    )
    whole.service.traces.keep(again)
    return again.id


def named(whole):
    (signal,) = (
        s for s in whole.catalog.signals.values() if s.name == "answers.personal_data.traces"
    )
    return {sample.labels["trace"] for sample in signal.read()}


@pytest.mark.feature("F476")
@pytest.mark.parametrize(
    "texts",
    [
        {"question": "Who is bob@example.com?"},
        {"text": f"The card is {CARD}. [1]"},
    ],
    ids=["question", "answer text"],
)
def test_personal_data_in_a_kept_trace_fires_and_names_the_trace(whole, texts):
    clean = kept(whole)
    whole.service.leaks.run_once()
    whole.minutes(1)
    assert not fires(whole, "AnswersPersonalDataFound")
    leaking = kept(whole, **texts)
    whole.service.leaks.run_once()
    whole.minutes(1)
    assert fires(whole, "AnswersPersonalDataFound")
    assert not fires(whole, "AnswersErasureFailed")
    assert named(whole) == {leaking}
    assert clean not in named(whole)


def test_the_leak_ends_when_the_person_is_erased(whole):
    kept(whole, user="bob", text="Write to bob@example.com. [1]")
    assert len(whole.service.leaks.run_once()) == 1
    whole.service.traces.forget_user("bob")
    assert whole.service.leaks.run_once() == ()
    whole.minutes(1)
    assert not fires(whole, "AnswersPersonalDataFound")


@pytest.mark.parametrize(
    ("outcome", "blocked", "kind", "leaks"),
    [
        ("ok", False, "CREDIT_CARD", True),
        ("blocked", True, "CREDIT_CARD", False),
        ("fallback", False, "CREDIT_CARD", False),
        ("ok", False, "ZIP_CODE", False),
    ],
)
def test_a_shown_answer_with_a_forbidden_kind_is_a_leak(whole, outcome, blocked, kind, leaks):
    whole.service.guards.answers.rules.change({"pii_block_types": "CREDIT_CARD"})
    stage = PipelineStage("guard_answer", 1.0, outcome, {"findings": [kind]})
    trace_id = kept(whole, stages=(stage,), blocked=blocked)
    assert (Leak("answer", trace_id) in whole.service.leaks.run_once()) is leaks


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("cannot send to bob@example.com", 1),
        (f"refused card {CARD}", 1),
        ("listening on 127.0.0.1:8000 after 1234567890 ns", 0),
        ("nothing to see", 0),
    ],
)
def test_personal_data_in_a_log_line_is_counted_for_an_hour(whole, message, found):
    watch = whole.service.leaks
    record = logging.LogRecord("x", logging.WARNING, "x.py", 1, message, (), None)
    record.trace_id = "trace_1"
    watch.emit(record)
    assert watch.counts()["log"] == found
    assert named(whole) == ({"trace_1"} if found else set())


def test_ordinary_answers_leak_nothing(whole):
    for _ in range(5):
        whole.service.answer(Question("handbook", "Who is bob@example.com, card " + CARD + "?"))
    assert whole.service.leaks.run_once() == ()
