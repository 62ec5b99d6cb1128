import sys

import pytest

from tests.guardrails.pii.analyzers import Fails, Hangs, Knows, Returns
from trimtab.guardrails.errors import NameDetectorMissing, NamesUnavailable
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.pii import Finder, presidio
from trimtab.guardrails.pii.guard import PiiGuard, QuestionPiiGuard
from trimtab.guardrails.pii.names import LONGEST, BoundedNames
from trimtab.guardrails.pii.presidio import PresidioNames
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision

TEXT = "Ann Lee of Lisbon has the card 4111111111111111."
PEOPLE = Knows(**{"Ann Lee": "PERSON", "Lisbon": "LOCATION"})
NAMES_BLOCK = GuardRules(pii_block_types=("PERSON",))


@pytest.fixture
def hanging():
    analyzer = Hangs()
    names = BoundedNames(PresidioNames(analyzer), timeout_seconds=0.05)
    yield analyzer, names
    analyzer.released.set()
    names.close()


def finder(analyzer=PEOPLE):
    return Finder(PresidioNames(analyzer))


def found(analyzer, text):
    return [(f.type.value, text[f.start : f.end]) for f in finder(analyzer).find(text)]


def test_names_stand_among_the_data_with_a_form_in_order_of_place():
    assert found(PEOPLE, TEXT) == [
        ("PERSON", "Ann Lee"),
        ("LOCATION", "Lisbon"),
        ("CREDIT_CARD", "4111111111111111"),
    ]


def test_data_with_a_form_wins_over_a_name_that_overlaps_it():
    analyzer = Knows(**{"lee@example.com": "PERSON"})
    assert found(analyzer, "ann.lee@example.com") == [("EMAIL_ADDRESS", "ann.lee@example.com")]


def test_of_names_that_overlap_the_first_and_the_longer_stays():
    text = "Ann Lee Brown"
    analyzer = Returns(("LOCATION", 4, 13), ("PERSON", 0, 3), ("PERSON", 0, 7))
    assert found(analyzer, text) == [("PERSON", "Ann Lee")]


@pytest.mark.parametrize("owner", ["Ann's", "Ann’s"])  # noqa: RUF001 - as people type it.
def test_a_name_ends_before_its_genitive(owner):
    assert found(Knows(**{owner: "PERSON"}), f"{owner} car") == [("PERSON", "Ann")]


def test_kinds_that_were_not_asked_for_are_left_alone():
    assert found(Knows(Monday="DATE_TIME"), "On Monday") == []


def test_redaction_replaces_names_like_all_personal_data():
    assert finder().redact(TEXT) == "<PERSON> of <LOCATION> has the card <CREDIT_CARD>."


def test_nothing_of_a_text_is_kept_when_its_names_cannot_be_told():
    assert finder(Fails()).redact(TEXT) == "<NAMES_UNCHECKED>"


def test_a_failing_analyzer_is_one_error_that_does_not_repeat_the_text():
    with pytest.raises(NamesUnavailable) as failed:
        PresidioNames(Fails()).detect("Ann Lee")
    assert "Ann" not in failed.value.message


def test_a_detector_that_hangs_is_waited_for_once(hanging):
    analyzer, names = hanging
    for text in ("Ann", "Bob", "Cy"):
        with pytest.raises(NamesUnavailable):
            names.detect(text)
    assert analyzer.asked == 1


def test_names_are_found_again_once_a_late_detection_has_ended(hanging):
    analyzer, names = hanging
    with pytest.raises(NamesUnavailable):
        names.detect("Ann")
    analyzer.released.set()
    names._late.result(10)
    assert names.detect("Ann") == ()


def test_a_fresh_thread_does_not_wait_for_the_detection_that_hangs(hanging):
    analyzer, names = hanging
    with pytest.raises(NamesUnavailable):
        names.detect("Ann")
    names.renew()
    with pytest.raises(NamesUnavailable, match="within"):
        names.detect("Ann")
    assert analyzer.asked == 2


def test_a_text_that_cannot_be_read_in_time_is_not_begun(hanging):
    analyzer, names = hanging
    with pytest.raises(NamesUnavailable, match="longer"):
        names.detect("a" * (LONGEST + 1))
    assert analyzer.asked == 0


def test_a_name_in_an_answer_is_a_warning_unless_the_rules_block_it():
    guard = PiiGuard(finder())
    answer = Subject("Ask Ann Lee.")
    assert guard.check(answer, GuardRules()).findings == ("PERSON",)
    assert guard.check(answer, GuardRules()).decision is Decision.WARN
    assert guard.check(answer, NAMES_BLOCK).decision is Decision.BLOCK


def test_without_names_an_answer_is_judged_by_the_rest_and_the_lack_is_told():
    guard = PiiGuard(finder(Fails()))
    assert guard.check(Subject(TEXT), GuardRules()).decision is Decision.BLOCK
    judged = guard.check(Subject("Ask Ann Lee."), GuardRules())
    assert (judged.decision, judged.findings) == (Decision.WARN, ("NAMES_UNCHECKED",))


def test_where_names_block_an_answer_is_not_judged_without_them():
    with pytest.raises(NamesUnavailable):
        PiiGuard(finder(Fails())).check(Subject("Ask Ann Lee."), NAMES_BLOCK)


def test_a_name_in_a_question_is_a_warning():
    judged = QuestionPiiGuard(finder()).check(Subject("Who is Ann Lee?"), NAMES_BLOCK)
    assert (judged.decision, judged.findings) == (Decision.WARN, ("PERSON",))


@pytest.mark.parametrize("module", ["presidio_analyzer", "spacy"])
def test_a_missing_package_names_the_extra(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(NameDetectorMissing) as refused:
        presidio.load("en_core_web_sm")
    assert "pip install 'trimtab[presidio]'" in refused.value.hint()
