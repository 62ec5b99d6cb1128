"""Every resolution option of the documents is a cause with evidence and drill, or has a stated reason."""

from collections import Counter

import pytest

from tests.contract.options import load_causes, load_options

OPTIONS = load_options()
# Of sections 5.6: the lettered options of each incident.
LETTERED = {
    "KB-01": 4,
    "KB-02": 3,
    "KB-03": 3,
    "KB-04": 4,
    "KB-05": 4,
    "KB-06": 4,
    "KB-07": 4,
    "KB-08": 3,
}
# The scenarios that resolve something; the others detect, escalate, report or are done by a calendar.
SCENARIOS = {
    *(f"MISO-{number:02}" for number in range(1, 15)),
    *(f"HYB-{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 16, 17)),
    *(f"AOPS-{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 13, 20)),
    *(f"ENT-{number:02}" for number in range(1, 10)),
    *(f"KB-{number:02}" for number in range(1, 17)),
}


def test_every_scenario_that_resolves_something_has_its_options_in_the_table():
    assert {option.scenario for option in OPTIONS} == SCENARIOS


@pytest.mark.parametrize(("scenario", "count"), LETTERED.items())
def test_every_lettered_option_is_in_the_table(scenario, count):
    letters = sorted(o.id.partition(".")[2] for o in OPTIONS if o.scenario == scenario)
    assert letters == list("ABCD"[:count])


def test_no_option_stands_there_twice():
    assert [name for name, times in Counter(o.id for o in OPTIONS).items() if times > 1] == []


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.id)
def test_the_option_is_a_cause_with_evidence_and_drill_or_has_a_reason(option):
    assert bool(option.cause) != bool(option.reason.strip()), option
    if option.cause:
        cause = load_causes()[option.cause]
        assert cause.evidence
        assert cause.drill


def test_the_script_counts_them(capsys):
    from tests.contract.options import main

    main()
    printed = capsys.readouterr().out
    covered = sum(bool(option.cause) for option in OPTIONS)
    assert f"all   {covered:3} of {len(OPTIONS):3}" in printed
