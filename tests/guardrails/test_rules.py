import pytest

from trimtab.guardrails.errors import BadDuration, BadRule
from trimtab.guardrails.rules import GuardRules, LiveRules, apply_changes, seconds


@pytest.mark.parametrize(
    ("text", "value"), [("5s", 5), ("30m", 1800), ("1h", 3600), ("250ms", 0.25), (" 1.5s ", 1.5)]
)
def test_durations_are_read(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "5 days", "5sx"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(BadDuration):
        seconds(text)


@pytest.mark.feature("F247")
@pytest.mark.feature("F248")
def test_the_defaults_are_the_contracts():
    rules = GuardRules()
    assert (
        rules.hallucination_threshold,
        rules.fact_check_timeout,
        rules.ethics_check_enabled,
    ) == (0.1, "5s", True)


def test_a_change_applies_at_once_and_can_be_undone():
    live = LiveRules()
    former = live.change({"hallucination_threshold": "0.3", "ethics_check_enabled": "false"})
    assert live.current.hallucination_threshold == 0.3
    assert not live.current.ethics_check_enabled
    live.restore(former)
    assert live.current == GuardRules()


@pytest.mark.parametrize(
    "given",
    [
        {"nope": "1"},
        {"hallucination_threshold": "2"},
        {"hallucination_threshold": "x"},
        {"ethics_check_enabled": "maybe"},
    ],
)
def test_a_wrong_rule_is_refused_and_changes_nothing(given):
    live = LiveRules()
    with pytest.raises(BadRule):
        live.change({"fact_check_timeout": "1s"} | given)
    assert live.current == GuardRules()


def test_the_rules_go_to_text_and_back():
    rules = GuardRules(hallucination_threshold=0.25, pii_block_types=("IBAN_CODE", "US_SSN"))
    assert apply_changes(GuardRules(), rules.as_text()) == rules
