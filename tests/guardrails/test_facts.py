# ruff: noqa: RUF001 - dashes, fractions and spaces are the subject.
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


SAME = [
    # claim, source
    ("The town has 1.2 million people.", "The town has 1,200,000 people."),
    ("The town has 1200000 people.", "The town has 1.2 million people."),
    ("It cost 3.5bn euros.", "It cost EUR 3,500,000,000."),
    ("It cost 350k euros.", "It cost 350 thousand euros."),
    ("It earned $890M.", "It earned USD 890,000,000."),
    ("It earned $890m.", "It earned 890 million dollars."),
    ("3,5 Milliarden Euro", "3.5 billion euros"),
    ("There are 21 doors.", "There are twenty-one doors."),
    ("There are two dozen doors.", "There are 24 doors."),
    ("There are 250 doors.", "There are two hundred and fifty doors."),
    ("Fifty percent agreed.", "50 per cent agreed."),
    ("50% agreed.", "A share of 0.5 agreed."),
    ("It is \u22125 degrees.", "It is -5 degrees."),
    ("It holds 1 234 litres.", "It holds 1\u202f234 litres."),
    ("It holds 1.234,5 litres.", "It holds 1234.5 litres."),
    ("It holds 1'234 litres.", "It holds 1234 litres."),
    ("It costs 12,34,567 rupees.", "It costs 1234567 rupees."),
    ("It weighs ¾ of a ton.", "It weighs 0.75 of a ton."),
    ("It weighs 3/4 of a ton.", "It weighs 0.75 of a ton."),
    ("The answer is 10^6.", "The answer is 1,000,000."),
    ("The answer is 10⁶.", "The answer is 1e6."),
    ("The pipe is 2 km long.", "The pipe is 2000 m long."),
    ("Wait 30 minutes.", "The wait is 30m."),
    ("Length: 5 m", "Length (m): 5"),
    ("Between 5 and 7 bar.", "Between 5–7 bar."),
    ("It was on March 4, 2024.", "It was on 04.03.2024."),
    ("Es war am 4. März 2024.", "It was on 2024-03-04."),
    ("It was on 4 Mar 2024.", "It was on 03/04/2024."),
    ("It was on 3 April 2024.", "It was on 03/04/2024."),
    ("会议在2024年3月4日。", "It was on 4 March 2024."),
    ("It opens at 9 am.", "It opens at 09:00."),
    ("It opens at 21:00.", "It opens at 9 p.m."),
    ("Covid 19 spread.", "COVID-19 spread."),
    ("INC-2024-0031 was a leak.", "It was inc-2024-0031, a leak."),
]  # fmt: skip
OTHER = [
    ("The town has 12 million people.", "The town has 1.2 million people.", "number"),
    ("It cost 350 million euros.", "It cost 350,000 euros.", "number"),
    ("12.5% failed.", "1.25% failed.", "number"),
    ("0.5% agreed.", "A share of 0.5 agreed.", "number"),
    ("50 agreed.", "50% agreed.", "number"),
    ("The pipe is 2 m long.", "The pipe is 2 km long.", "number"),
    ("Take 5 mg.", "Take 5 g.", "number"),
    ("The disk has 2 GB.", "The disk has 2 TB.", "number"),
    ("It costs 20 dollars.", "It costs 20 euros.", "number"),
    ("It costs $20.", "It costs €20.", "number"),
    ("It is -5 degrees.", "It is 5 degrees.", "number"),
    ("It is 5 degrees.", "It is \u22125 degrees.", "number"),
    ("There are 22 doors.", "There are twenty-one doors.", "number"),
    ("It opens at 9 pm.", "It opens at 09:00.", "number"),
    ("Version v2.1.3 fixes it.", "Version v2.1.4 fixes it.", "number"),
    ("Release 2.1.3 fixes it.", "Release 2.1.4 fixes it.", "number"),
    ("INC-2024-0031 was a leak.", "INC-2024-0032 was a leak.", "number"),
    ("E-104 means a leak.", "E-1047 means a leak.", "number"),
    ("It was on 3 April 2024.", "It was on 2024-03-04.", "date"),
    ("It was on 5 March 2024.", "It was on 03/04/2024.", "date"),
    ("It was on 3 April 2024.", "It was on 04.03.2024.", "date"),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "source"), SAME)
def test_the_same_fact_in_another_notation_is_no_invention(claim, source):
    assert not {"number", "date"} & set(unsupported(claim, source))


@pytest.mark.parametrize(("claim", "source", "kind"), OTHER)
def test_another_value_or_unit_is_an_invention(claim, source, kind):
    assert kind in unsupported(claim, source)


TURNED = [
    ("The cache does not hold 100 entries.", "The cache holds 100 entries."),
    ("The cache doesn't hold 100 entries.", "The cache holds 100 entries."),
    ("Smoking is allowed in the hall.", "Smoking is not allowed in the hall."),
    ("Smoking is allowed in the hall.", "Smoking is forbidden in the hall."),
    ("Visitors may enter without a badge.", "Visitors may not enter without a badge."),
    ("The pump is never switched off.", "The pump is switched off on Sundays."),
    ("No visitor is allowed to park here.", "Visitors are allowed to park here."),
    ("The price rose by 5%.", "The price fell by 5%."),
    ("At least 5 people are needed.", "At most 5 people are needed."),
    ("Mehr als 5 Personen sind erlaubt.", "Weniger als 5 Personen sind erlaubt."),
    ("Rauchen ist in der Halle erlaubt.", "Rauchen ist in der Halle nicht erlaubt."),
    ("Il est permis de fumer dans la salle.", "Il n'est pas permis de fumer dans la salle."),
    ("Se puede fumar en la sala grande.", "No se puede fumar en la sala grande."),
    ("机房可以吸烟。", "机房不可以吸烟。"),
    ("The pump runs on Sundays, but does not run on Mondays.", "The pump runs on Sundays and on Mondays."),
]  # fmt: skip
KEPT = [
    ("Refunds are impossible after 14 days.", "Refunds are not possible after 14 days."),
    ("Smoking is prohibited in the hall.", "Smoking is not allowed in the hall."),
    ("The pump runs at 5 bar.", "The pump runs at 5 bar, but does not run at night."),
    ("No, the cache holds 100 entries.", "The cache holds 100 entries."),
    ("It holds not only 100 entries, but also keys.", "It holds 100 entries and keys."),
    ("No more than 5 people are needed.", "At most 5 people are needed."),
    ("Pode fumar no salão da casa.", "Pode fumar na sala, no salão da casa."),
    ("The alarm rings.", "The door does not open."),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "source"), TURNED)
def test_a_statement_turned_round_is_blocked(claim, source):
    judgement = judge(claim, source)
    assert judgement.decision is Decision.BLOCK
    assert "negation" in judgement.findings


@pytest.mark.parametrize(("claim", "source"), KEPT)
def test_the_same_statement_with_other_negations_is_not_called_turned_round(claim, source):
    assert "negation" not in judge(claim, source).findings


def test_one_source_that_agrees_is_enough():
    sources = ("Smoking is not allowed in the hall.", "Smoking is allowed in the hall.")
    assert judge("Smoking is allowed in the hall today.", *sources).decision is Decision.ALLOW


def test_numbers_of_any_form_are_read_without_errors():
    strange = "1/0 9^99 1e99 0/0 1,2,3 1.2.3 ½½ 10⁹⁹ 99.99.9999 1'234'567.8 00 0031 5 m m 9:99 $ €5k million"
    assert unsupported(strange, strange) == ()


def test_a_quote_over_two_lines_is_no_contradiction_of_itself():
    source = (
        "What people see: the model failed to load, `model`\ndown in the health page, results"
        " without the passages that\nonly meaning would have found."
    )
    answer = f"The oldest backup is kept. [1] {' '.join(source.split())} [2]"
    subject = Subject(answer, "What happens?", ("The oldest backup is kept.", source))
    assert FactsGuard().check(subject, GuardRules()).decision is Decision.ALLOW
    turned = answer.replace("The oldest backup is kept.", "The oldest backup is not kept.")
    subject = Subject(turned, "What happens?", ("The oldest backup is kept.", source))
    assert FactsGuard().check(subject, GuardRules()).findings == ("negation",)
