import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.guardrails.errors import WeightsDamaged
from trimtab.guardrails.grounding.evidence import evidence
from trimtab.guardrails.grounding.guard import GroundingGuard, hallucinations
from trimtab.guardrails.grounding.model import grounded, load
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision

SOURCE = (
    "The query cache holds 100 entries by default. It is cleared every night at 03:00. "
    "Grace Hopper designed the eviction rule in 1987."
)


def judge(text, *sources, question="", rules=None):
    subject = Subject(text, question, sources)
    return GroundingGuard().check(subject, rules or GuardRules())


@pytest.mark.parametrize(
    "claim",
    [
        "The query cache holds 100 entries by default.",
        "The query cache holds 100 entries.",
        "It is cleared every night at 03:00. [2]",
    ],
)
def test_what_the_source_says_is_grounded(claim):
    assert judge(claim, SOURCE).decision is not Decision.BLOCK


@pytest.mark.parametrize(
    "claim",
    [
        "Alan Turing invented the printing press in Zanzibar.",
        "The database cluster replicates across three continents.",
        "Bananas are exported by the company from Ecuador.",
    ],
)
def test_what_no_source_says_is_blocked(claim):
    assert judge(claim, SOURCE).decision is Decision.BLOCK


def test_one_made_up_sentence_among_good_ones_is_enough():
    text = f"{SOURCE} Napoleon personally tuned every shard in Belgium."
    assert judge(text, SOURCE).decision is Decision.BLOCK


def test_the_threshold_of_the_rules_decides_between_allow_and_warning():
    score = judge("The query cache holds 100 entries.", SOURCE).score
    low, high = GuardRules(hallucination_threshold=0.0), GuardRules(hallucination_threshold=1.0)
    assert score > 0
    assert judge("The query cache holds 100 entries.", SOURCE, rules=low).decision is Decision.WARN
    assert (
        judge("The query cache holds 100 entries.", SOURCE, rules=high).decision is Decision.ALLOW
    )


def test_without_a_question_the_topic_is_open():
    asked = evidence(SOURCE, "It is cleared.", "When is the query cache cleared?")
    small_talk = evidence(SOURCE, "It is cleared.", "oh really?")
    assert evidence(SOURCE, "It is cleared.").on_topic == 0.5
    assert small_talk.on_topic == 0
    assert asked.on_topic > 0.5


def test_an_answer_without_citations_has_nothing_to_compare():
    assert judge("The documents of this project do not answer that.").decision is Decision.ALLOW


def test_a_quote_scores_higher_than_a_paraphrase_and_that_than_an_invention():
    quote = grounded(SOURCE, "The query cache holds 100 entries by default.")
    paraphrase = grounded(SOURCE, "By default 100 entries fit into the query cache.")
    invention = grounded(SOURCE, "Elephants fit into the Parisian opera.")
    assert quote > paraphrase > invention


def test_citation_marks_do_not_count_as_numbers():
    plain, marked = (hallucinations(Subject(t, "", (SOURCE,))) for t in ("It is cleared every night.", "It is cleared every night. [7]"))  # fmt: skip
    assert plain == marked


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=40))
def test_evidence_and_score_stay_in_range(context, claim, question):
    assert all(0.0 <= value <= 1.0 for value in evidence(context, claim, question).row())
    assert 0.0 <= grounded(context, claim, question) <= 1.0


@pytest.mark.parametrize("content", ["", "{}", '{"bias": 1, "weights": {}}', "[]"])
def test_damaged_weights_are_refused(tmp_path, content):
    (tmp_path / "w.json").write_text(content)
    with pytest.raises(WeightsDamaged):
        load(tmp_path / "w.json")


def test_known_words_in_another_order_score_lower():
    source = "Born in Pennsylvania, Swift moved to Nashville at the age of 14."
    right = grounded(source, "Swift was born in Pennsylvania and moved to Nashville.")
    turned = grounded(source, "Swift moved to Pennsylvania at Nashville, born at the age of 14.")
    assert right > turned


def test_a_new_word_weighs_more_when_the_sources_treat_the_question():
    claim = "The query cache holds 100 entries in Belgium."
    on_topic = grounded(SOURCE, claim, "How many entries does the query cache hold?")
    off_topic = grounded(SOURCE, claim, "Do you like sailing?")
    assert on_topic < off_topic


def test_saying_the_same_twice_is_evidence_against_a_claim():
    assert evidence(SOURCE, "The cache of the cache holds entries.").repeats > 0
    assert evidence(SOURCE, "The cache holds entries.").repeats == 0


@pytest.mark.parametrize("curve", load().curves)
def test_the_shipped_curves_rise_and_are_never_certain(curve):
    assert list(curve.chances) == sorted(curve.chances)
    assert 0 < curve.at(0.0) < 0.1
    assert 0.9 < curve.at(1.0) < 1


def test_a_saved_model_is_the_same_when_it_is_loaded(tmp_path):
    load().save(tmp_path / "w.json")
    assert load(tmp_path / "w.json") == load()


def test_numbers_are_the_same_however_they_are_written():
    source = "It sold 45,700 copies in the U.S. and ranked fourth in the 1980s."
    claim = "it sold 45 , 700 copies in the united states and ranked 4th in the 1980 ' s"
    found = evidence(source, claim)
    assert found.new_numbers == 0
    assert found.new_terms == 0
    assert evidence(source, "it sold 45 , 800 copies").new_numbers == 1


def test_a_hedge_before_a_statement_is_no_part_of_it():
    claim = "The query cache holds 100 entries."
    hedged = "I'm not sure when it was built, the query cache holds 100 entries."
    plain, talked = evidence(SOURCE, claim), evidence(SOURCE, hedged)
    assert talked.new_terms == plain.new_terms == 0
    assert talked.known_pairs == plain.known_pairs
    assert not talked.negation_differs


def test_talk_about_oneself_beside_a_statement_is_not_compared():
    beside = evidence(SOURCE, "I adore sailing in winter. The query cache holds 100 entries.")
    assert beside.new_terms == 0
    assert beside.talk == 1


def test_talk_about_oneself_alone_is_compared_as_it_is():
    assert evidence(SOURCE, "I personally adore sailing boats in winter.").new_terms == 1


def test_a_number_in_talk_about_oneself_still_counts_as_new():
    beside = evidence(SOURCE, "I paid 900 euros. The query cache holds 100 entries.")
    assert beside.new_numbers == 0.5


def test_a_word_that_only_begins_like_an_opener_stays_whole():
    assert evidence("They live in England.", "In England they live.").new_terms == 0


def test_known_words_put_together_anew_are_scattered():
    assert evidence(SOURCE, "Grace Hopper designed the eviction rule.").scattered == 0
    assert evidence(SOURCE, "The cache designed 1987 entries at night.").scattered > 0


def test_a_quote_is_allowed_however_it_opens_and_joins_its_clauses():
    quote = (
        "But I do not know why the cache was cleared, so 3 of our engineers asked, and they waited."
    )
    assert evidence(quote, quote).verbatim == 1
    assert judge(quote, quote, question="Why was the cache cleared?").decision is Decision.ALLOW


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("The town has 1.2 million people.", "The town has 1,200,000 people."),
        ("Revenue was $890M.", "Revenue was USD 890,000,000."),
        ("The fair is on 4 March 2024.", "The fair is on 2024-03-04."),
        ("The shop opens at 9 am.", "The shop opens at 09:00."),
        ("There are 21 gates.", "There are twenty-one gates."),
        ("The pipe is 2 km long.", "The pipe is 2000 m long."),
    ],
)
def test_a_number_in_another_notation_does_not_block(claim, source):
    judged = GroundingGuard().check(Subject(claim, "", (source,)), GuardRules())
    assert judged.decision is not Decision.BLOCK
    other = GroundingGuard().check(Subject(claim, "", ("The port has 7 cranes.",)), GuardRules())
    assert other.decision is Decision.BLOCK
