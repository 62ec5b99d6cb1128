"""What a question asks for by its form - a number to call, an address, a link, a price, a path - and what is read for it."""

import numpy as np
import pytest

from tests.answers.world import passage
from trimtab.answers import ExtractiveGenerator
from trimtab.answers.decision import READ, READ_BEHIND, UNREAD, shipped_models
from trimtab.answers.evidence import FEATURES, evidence
from trimtab.answers.question import AnalysedQuestion


def quotes(question, text):
    return [c.quote for c in ExtractiveGenerator().quote(question, (passage(text),)).citations]


FORMS = [
    ("phone number of the harbour office", "The harbour office has the phone number 040 555 1234."),
    ("fax number of the harbour office", "The fax of the harbour office: +49 (40) 555-1234."),
    ("e-mail address of the harbour office", "Write an e-mail to the harbour office: quay@harbour.example"),
    ("url of the tide table", "The tide table is at https://tides.example/north."),
    ("web site of the harbour office", "The harbour office has the web site www.harbour.example."),
    ("price of a berth in the harbour", "A berth in the harbour has a price of 40 euros."),
    ("how much does a berth in the harbour cost", "A berth in the harbour costs $40."),
]  # fmt: skip


@pytest.mark.parametrize(("question", "text"), FORMS)
def test_what_has_the_form_that_is_asked_for_answers(question, text):
    assert quotes(question, text) == [text]


@pytest.mark.parametrize("question", [question for question, _ in FORMS])
@pytest.mark.parametrize(
    "text",
    [
        "The harbour office, with its phone, fax, e-mail, web site and tide table, is closed on Sundays.",
        "The harbour office gives a berth in the harbour its price, and the tide table its url.",
    ],
)
def test_what_has_not_the_form_does_not_answer(question, text):
    assert quotes(question, text) == []


@pytest.mark.parametrize(
    ("said", "answers"),
    [("free of charge", True), ("free", True), ("free software", False), ("free space", False)],
)
def test_what_is_free_is_a_price_unless_it_is_free_software_or_space(said, answers):
    text = f"The harbour office says that a berth in the harbour is {said}."
    assert bool(quotes("price of a berth in the harbour", text)) is answers


@pytest.mark.parametrize(
    "digits", ["version 1.5.0-994126-357", "since 2015-07-02", "in 2015/07/02", "build 9941267"]
)
def test_versions_and_dates_are_no_number_to_call(digits):
    text = f"The phone number of the harbour office exists {digits}."
    found = quotes("phone number of the harbour office", text)
    assert bool(found) is digits.startswith("build"), "seven digits alone may be one"


def test_where_prefers_a_path():
    text = (
        "The log files of the pump service are stored in a place that is kept between restarts. "
        "The pump service keeps its log files in /var/log/pump."
    )
    assert quotes("where are the log files of the pump service stored", text)[0].endswith(
        "/var/log/pump."
    )
    analysed = AnalysedQuestion.of("where are the log files of the pump service stored")
    column = evidence(analysed, (passage(text),)).features[:, FEATURES.index("path_wanted")]
    assert column.tolist() == [0.0, 1.0]


def test_a_line_that_announces_a_block_is_not_the_answer():
    text = "To start the pump service, use this:\n\nThe pump service starts with a long press of the green key."
    asked = "how do I start the pump service"
    assert quotes(asked, text) == ["The pump service starts with a long press of the green key."]


class Counting:
    """A cross-encoder that finds every text likely and remembers what it read."""

    def __init__(self):
        self.texts = []

    def score(self, question, texts):
        self.texts += texts
        return np.full(len(texts), 5.0)


def chosen(question, text):
    reader, analysed = Counting(), AnalysedQuestion.of(question)
    found = evidence(analysed, (passage(text),))
    return shipped_models().read.choose(analysed, found, reader), found, reader


def test_only_units_that_are_close_by_words_are_read():
    text = "The quay crane lifts forty tons. Gulls nest there. It rains. The quay is old."
    choice, found, reader = chosen("how many tons does the quay crane lift", text)
    by_words = found.features @ shipped_models().read.rank
    assert len(reader.texts) == np.count_nonzero(by_words >= by_words.max() - READ_BEHIND) < READ
    assert len(choice.order) == len(found.candidates)
    unread = choice.scores[-1] - by_words[choice.order[-1]]
    assert unread == pytest.approx(shipped_models().read.reading * UNREAD)


def test_units_that_are_alike_are_all_read():
    text = " ".join(
        f"The {side} quay crane lifts forty tons." for side in ("north", "south", "east")
    )
    assert len(chosen("how many tons does the quay crane lift", text)[2].texts) == 3
