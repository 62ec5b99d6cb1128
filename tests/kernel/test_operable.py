from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.kernel.operable import (
    Action,
    ActionResult,
    BadArguments,
    Catalog,
    Effect,
    Fault,
    Param,
    Realism,
    Risk,
    Sample,
    Signal,
    UnknownName,
    check_arguments,
    combined_realism,
)

SIZE = Param("size", "integer", "entries to keep", minimum=1, maximum=10)
MODE = Param("mode", "string", "how", default="fast", choices=("fast", "safe"))


def _signal(name="a.b", metric=""):
    return Signal(name, "", "help", lambda: [Sample(1.0)], metric=metric)


def _action(**changes):
    def run(_arguments, _context):
        return ActionResult("done")

    return Action(
        **{
            "name": "a.do",
            "help": "h",
            "risk": Risk.AUTOMATIC,
            "run": run,
            "dry_run": run,
            "effect": Effect.REPEATABLE,
            **changes,
        }
    )


def test_a_doubled_name_is_refused():
    with pytest.raises(ValueError, match=r"a\.b is defined twice"):
        Catalog([_signal(), _signal()])


def test_a_doubled_metric_name_is_refused():
    with pytest.raises(ValueError, match="share a metric name"):
        Catalog([_signal("a.b", metric="m"), _signal("a.c", metric="m")])


def test_an_action_without_undo_must_say_why():
    with pytest.raises(ValueError, match="has no undo"):
        Catalog(actions=[_action()])
    assert Catalog(actions=[_action(no_undo_because="it only looks")]).action("a.do")


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        ({"effect": None}, "does not state its class"),
        ({"effect": Effect.REVERSIBLE}, "is called reversible and has no undo"),
        ({"effect": Effect.IRREVERSIBLE}, "a person has to decide"),
        ({"effect": Effect.IRREVERSIBLE, "risk": Risk.OBSERVE}, "a person has to decide"),
        ({"effect": Effect.REPEATABLE, "undo": lambda *_: ActionResult("x")}, "and has an undo"),
    ],
)
def test_an_action_that_contradicts_its_class_is_refused(stated, problem):
    with pytest.raises(ValueError, match=problem):
        Catalog(actions=[_action(**{"no_undo_because": "reason", **stated})])


@pytest.mark.parametrize(
    ("stated", "effect"),
    [
        ({"effect": Effect.REVERSIBLE, "undo": lambda *_: ActionResult("x")}, "reversible"),
        ({"effect": Effect.REPEATABLE}, "repeatable"),
        ({"effect": Effect.IRREVERSIBLE, "risk": Risk.APPROVAL}, "irreversible"),
        ({"effect": None, "risk": Risk.OBSERVE}, "repeatable"),
    ],
)
def test_an_action_states_one_of_three_classes(stated, effect):
    catalog = Catalog(actions=[_action(**{"no_undo_because": "reason", **stated})])
    assert catalog.action("a.do").effect_class == effect


@pytest.mark.parametrize(
    ("realism", "reason", "refused"),
    [
        (Realism.SIMULATED, "", True),
        (Realism.SIMULATED, "  ", True),
        (Realism.REAL, "a reason", True),
        (Realism.SIMULATED, "no server is here", False),
        (Realism.REAL, "", False),
    ],
)
def test_a_simulated_fault_and_only_one_gives_its_reason(realism, reason, refused):
    fault = _fault("a.break", realism=realism, simulated_because=reason)
    with pytest.raises(ValueError, match=r"a\.break") if refused else nullcontext():
        Catalog(faults=[fault])


def test_one_simulated_fault_makes_a_drill_simulated():
    real = _fault("a.cut", realism=Realism.REAL)
    simulated = _fault("a.flag", realism=Realism.SIMULATED, simulated_because="it is a flag")
    assert combined_realism([real]) == (Realism.REAL, "")
    assert combined_realism([real, simulated]) == (Realism.SIMULATED, "a.flag: it is a flag")


def _fault(name, **realism):
    return Fault(name, "Break it.", lambda _: {}, lambda _: None, **realism)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName) as caught:
        Catalog([_signal("cache.hit_ratio")]).signal("cache.hit_ration")
    assert "cache.hit_ratio" in caught.value.hint()


def test_text_becomes_typed_and_defaults_are_filled_in():
    assert check_arguments([SIZE, MODE], {"size": "5"}) == {"size": 5, "mode": "fast"}


@pytest.mark.parametrize(
    ("given_arguments", "part"),
    [
        ({}, "'size' is missing"),
        ({"size": "many"}, "not of type integer"),
        ({"size": 11}, "out of range"),
        ({"size": 5, "mode": "wild"}, "not allowed"),
        ({"size": 5, "sise": 5}, "Unknown argument 'sise'"),
        ({"size": "nan"}, "not of type integer"),
    ],
)
def test_bad_arguments_are_refused_with_the_reason(given_arguments, part):
    with pytest.raises(BadArguments, match=part):
        check_arguments([SIZE, MODE], given_arguments)


@given(st.floats() | st.text() | st.integers() | st.none())
def test_a_number_argument_is_in_range_or_refused(raw):
    param = Param("x", "number", "h", minimum=0, maximum=1)
    try:
        value = check_arguments([param], {"x": raw})["x"]
    except BadArguments:
        return
    assert 0 <= value <= 1
