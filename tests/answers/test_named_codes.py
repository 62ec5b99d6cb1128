"""A question that names a version, a code or a setting is never answered with its neighbour."""

import pytest

from tests.answers.world import passage
from trimtab.answers import ExtractiveGenerator
from trimtab.answers.evidence import evidence
from trimtab.answers.question import AnalysedQuestion


def quotable(question, text, **fields):
    """The units of a passage that may answer."""
    found = evidence(AnalysedQuestion.of(question), (passage(text, **fields),))
    return [candidate.unit.shown for candidate in found.candidates]


RELEASES = "Version 2.3 needs 4 GB of memory.\n\nVersion 2.4 needs 8 GB of memory.\n"
TICKETS = "- ENT-02: the cache misses more often.\n- ENT-23: the model's key was rejected.\n"
CODES = "Exit code 4 means that the input is bad.\n\nExit code 5 means that the role is too low.\n"
SETTINGS = "cache.query_entries: 100; default: 100\n\ncache.result_entries: 900; default: 900\n"


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (RELEASES, "How much memory does version 2.4 need?", "Version 2.4 needs 8 GB of memory."),
        (RELEASES, "memory of v2.3", "Version 2.3 needs 4 GB of memory."),
        (TICKETS, "What does ENT-23 mean?", "ENT-23: the model's key was rejected."),
        (TICKETS, "what is ent 02 about", "ENT-02: the cache misses more often."),
        (CODES, "What does exit code 5 mean?", "Exit code 5 means that the role is too low."),
        (SETTINGS, "default of cache.query_entries", "cache.query_entries: 100; default: 100"),
    ],
)
def test_only_the_unit_about_the_named_one_may_answer(text, question, answer):
    found = quotable(question, text)
    assert answer in found
    if "ent 02" not in question:  # Written as two words it is no code.
        assert found == [answer]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (RELEASES, "How much memory does version 2.5 need?"),
        (TICKETS, "What does ENT-2 mean?"),
        (TICKETS, "What does ENT-24 mean?"),
        (CODES, "What does exit code 6 mean?"),
        (SETTINGS, "What is the default of cache.answer_entries?"),
        ("The service listens on port 8000.", "What listens on port 8001?"),
        ("NFSv3 and NFSv4 are supported by the server.", "Is nfsv2 supported by the server?"),
    ],
)
def test_an_unknown_one_has_no_answer(text, question):
    assert quotable(question, text) == []
    assert ExtractiveGenerator().quote(question, (passage(text),)).citations == ()


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("The disk /dev/md0 is removed with mdadm.", "How do I remove md0?"),
        ("The SHA-256 checksum is printed.", "Is the sha256 printed?"),
        ("Set `query cache size` to 100.", "How do I set query_cache_size?"),
        ("It needs PostgreSQL 14.2 or newer.", "Is PostgreSQL 14.2 enough?"),
        ("Needs Python 3.11.4.", "Does it run on Python 3.11?"),
        ("PostgreSQL 9.6 is supported.", "Is PostgreSQL version 9 supported?"),
    ],
)
def test_another_notation_is_the_same(text, question):
    assert quotable(question, text)


def test_the_document_s_name_counts():
    assert quotable(
        "What is the number of the SF-424?", "It is 4040-0004.", document_name="SF424_p2.pdf"
    )


def test_a_sentence_after_the_name_may_answer():
    text = "The release 2.4 is out. It needs 8 GB of memory. The release 2.3 needed 4 GB."
    found = quotable("How much memory does 2.4 need?", text)
    assert "It needs 8 GB of memory." in found
    assert "The release 2.3 needed 4 GB." not in found


HALLS = "The supervisor of hall A is Jan Novak. Hall C is closed."
PRODUCED = "In 2022 the plant produced 12 GWh; in 2023 it produced 14 GWh."


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (HALLS, "Who is the supervisor of hall B?"),
        ("A new supervisor, Kim, works in hall B.", "Who is the supervisor of hall A?"),
        ("Phase 1 takes a week. Phase 2 takes a month.", "How long does phase 3 take?"),
        (PRODUCED, "How many GWh did the plant produce in 2024?"),
        ("On 4 March 2023 Ada led the team.", "Who led the team in 2024?"),
        ("Windows Server 2019 is supported.", "Is Windows Server 2016 supported?"),
        ("The budget of 2022 was 3 million euros.", "What was the 2021 budget?"),
    ],
)
def test_a_label_or_year_is_not_answered_with_another(text, question):
    assert ExtractiveGenerator().quote(question, (passage(text),)).citations == ()


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (HALLS, "Who is the supervisor of hall A?", "The supervisor of hall A is Jan Novak."),
        (
            "In hall A the doors, unlike those of hall B, are red.",
            "What are the doors of hall A?",
            "In hall A",
        ),
        ("Hall: A; Doors: 2; Next: hall B", "How many doors has hall A?", "Hall: A; Doors: 2"),
        ("Halls A and B have two doors.", "How many doors has hall B?", "Halls A and B have two"),
        ("Nobody smokes except in zone 4.", "Who smokes in zone 3?", "Nobody smokes except"),
        ("On May 5 the crane fell.", "What fell in May 2016?", "On May 5 the crane fell."),
        ("Levels 1-5 need a badge.", "Does level 3 need a badge?", "Levels 1-5 need a badge."),
        (PRODUCED, "How many GWh did the plant produce in 2022?", PRODUCED),
        ("George I reigned 1863\u20131913.", "Who reigned in 1899?", "George I reigned"),
        ("People over 60 pay nothing.", "Do people over 65 pay?", "People over 60 pay nothing."),
        ("It won its first cup in 1905.", "When did the club of 1899 win its first cup?", "It won"),
        ("The pump runs at 1850 rpm.", "How fast does the 2020 pump run?", "The pump runs at"),
    ],
)
def test_a_text_about_several_or_about_amounts_may_answer(text, question, answer):
    assert any(shown.startswith(answer) for shown in quotable(question, text))


def test_the_year_in_a_heading_counts():
    text = "The plant produced 9 GWh, after 8 GWh in 2020."
    assert quotable("How much did the plant produce in 2021?", text, heading="Report 2021")
