import pytest

from trimtab.guardrails.facts import FactsGuard, unsupported
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision

SOURCE = (
    "On 2024-03-25 the cache of Acme Corp held 1,000 entries, 12.50 % of them stale. "
    "Grace Hopper restarted it three times."
)


@pytest.mark.parametrize(
    "claim",
    [
        "The cache held 1000 entries.",
        "It held 1,000 entries, 12.5% of them stale.",
        "12.5 percent were stale.",
        "On March 25, 2024 it held 1000 entries.",
        "On 25 March 2024 Grace Hopper restarted it.",
        "It was restarted 3 times by Grace Hopper.",
        "It was restarted. [1][2]",
        "Nothing to check here.",
    ],
)
def test_facts_in_another_notation_are_supported(claim):
    assert unsupported(claim, SOURCE) == ()


@pytest.mark.parametrize(
    ("claim", "wrong"),
    [
        ("The cache held 1001 entries.", ("number",)),
        ("On March 26, 2024 it held 1,000 entries.", ("date",)),
        ("It was restarted by Alan Turing.", ("name",)),
        ("It was restarted 4 times by Alan Turing.", ("number", "name")),
        ("15% were stale.", ("number",)),
    ],
)
def test_a_fact_that_the_source_does_not_have_is_named_by_kind(claim, wrong):
    assert unsupported(claim, SOURCE) == wrong


def judge(text, *sources):
    return FactsGuard().check(Subject(text, "", sources), GuardRules())


def test_a_wrong_number_blocks_and_a_new_name_warns():
    assert judge("It held 99 entries.", SOURCE).decision is Decision.BLOCK
    assert judge("It was restarted by Alan Turing.", SOURCE).decision is Decision.WARN


def test_without_citations_there_is_nothing_to_compare():
    assert judge("It held 99 entries.").decision is Decision.ALLOW


def test_what_the_question_gives_is_no_invention():
    subject = Subject("In 1999 it held 1,000 entries.", "What about 1999?", (SOURCE,))
    assert FactsGuard().check(subject, GuardRules()).decision is Decision.ALLOW
