"""What of a passage may be quoted, and with which context."""

import pytest

from tests.answers.world import passage
from trimtab.answers import ExtractiveGenerator
from trimtab.answers.decision import reading_text
from trimtab.answers.evidence import Candidate
from trimtab.answers.generation import CachedGenerator
from trimtab.answers.question import AnalysedQuestion, AnswerType, classify_question
from trimtab.answers.units import plain, units_of
from trimtab.text.sentences import BlockKind
from trimtab.text.words import stem


def quoted(text, **fields):
    given = passage(text, **fields)
    return [text[unit.start : unit.end] for unit in units_of(given).units]


def unit_with(text, part, **fields):
    return next(unit for unit in units_of(passage(text, **fields)).units if part in unit.shown)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("# Ports\n\nThe port is 80.", ["The port is 80."]),
        ("Ports\n=====\n\nThe port is 80.", ["The port is 80."]),
        ("Ports\n~~~~~\n\nThe port is 80.", ["The port is 80."]),
        ("Next | Previous | Home\n\nThe port is 80.", ["The port is 80."]),
        ("Home » Docs » Ports\n\nThe port is 80.", ["The port is 80."]),
        ("Ports . . . . . . . . 7\n\nThe port is 80.", ["The port is 80."]),
        ("Skip to content\n\nThe port is 80.", ["The port is 80."]),
        ("**Symptoms:**\n\nThe port is 80.", ["The port is 80."]),
        ("layout: page\n\nThe port is 80.", ["The port is 80."]),
        ("Which port is it?\n\nThe port is 80.", ["The port is 80."]),
        ("THE SIEGE OF VICKSBURG.\n\nThe port is 80.", ["The port is 80."]),
        ("THE PORTS\n\nThe port is 80.", ["The port is 80."]),
        ("DO NOT RESTART!\n\nThe port is 80.", ["DO NOT RESTART!", "The port is 80."]),
        ("SSH PORT 22\n\nThe port is 80.", ["SSH PORT 22", "The port is 80."]),
        ("NOTE WELL. The port is 80.", ["NOTE WELL.", "The port is 80."]),
    ],
)
def test_headings_bars_fields_and_questions_are_not_quotable(text, left):
    assert quoted(text) == left


def test_front_matter_is_not_quotable_and_only_at_the_start_of_a_document():
    text = "---\ntitle: Ports of all hosts\n---\n"
    assert quoted(text) == []
    assert quoted(text, start=40) == []  # Its field alone tells it, too.
    assert quoted("---\nThe port is 80.\n", start=40) == ["The port is 80."]


def test_a_sentence_below_a_question_knows_the_question():
    text = "Q: Which port is it?\n\nIt is 80.\n\nQ: Is there a cache?\n\nThere is none."
    assert stem("port") in unit_with(text, "80").asked
    assert stem("port") not in unit_with(text, "none").asked


def test_every_sentence_of_a_labelled_question_belongs_to_the_question():
    text = "Q: The pump fails. I even oiled it. What is wrong?\n\nA: Use the -o flag."
    assert quoted(text) == ["A: Use the -o flag."]
    assert {stem("oiled"), stem("pump")} <= unit_with(text, "flag").asked
    assert quoted("Q: Which port is it?\nA: It is 80.") == ["A: It is 80."]
    assert quoted("The pump fails. I oiled it. What is wrong?") == [
        "The pump fails.",
        "I oiled it.",
    ]


@pytest.mark.parametrize(
    ("text", "part", "read"),
    [
        ("It is new. Which port is it? The port is 80 everywhere in the house.", "80", "It is new. Which port is it? The port is 80 everywhere in the house."),
        ("# Ports\n\nThe pump is new. It has two ports.", "two", "Ports: The pump is new. It has two ports."),
        ("# Ports\n\nThe pump is new.\n\n- inlet: 80\n", "80", "Ports: inlet: 80"),
        ("The pump is old.\n\nThe pump has eight ports for all of its hoses.", "eight", "The pump has eight ports for all of its hoses."),
    ],
)  # fmt: skip
def test_a_unit_is_read_with_what_it_depends_on(text, part, read):
    given = passage(text, heading="Ports" if text.startswith("#") else "")
    unit = next(unit for unit in units_of(given).units if part in unit.shown)
    assert reading_text(Candidate(given, unit, 1.0), AnalysedQuestion.of("port?")) == read


def test_words_of_the_question_that_only_the_title_has_are_read_with_a_unit():
    given = passage("- pg_lsclusters - list all clusters", title="PostgreSQL for Debian")
    read = Candidate(given, units_of(given).units[0], 1.0)
    asked = AnalysedQuestion.of("How do I list all postgresql clusters?")
    assert reading_text(read, asked) == "PostgreSQL: pg_lsclusters - list all clusters"
    assert reading_text(read, AnalysedQuestion.of("list clusters")) == "pg_lsclusters - list all clusters"  # fmt: skip


@pytest.mark.parametrize(
    "question", ["date of the last crash", "release date of the pump", "deadline for the report"]
)
def test_a_date_that_is_asked_for_without_a_question_word_is_a_time(question):
    assert classify_question(question) is AnswerType.TIME


def test_what_is_up_to_date_is_no_time():
    assert classify_question("keep the index up to date") is AnswerType.ANYTHING


def test_an_item_has_its_lead_in_as_context_and_a_short_list_can_be_quoted_whole():
    text = "The modes that were tested:\n\n- active-backup\n- balance-tlb\n"
    item = next(unit for unit in units_of(passage(text)).units if unit.shown == "balance-tlb")
    assert stem("tested") in item.context
    assert text.strip() in quoted(text)


def test_a_command_is_quoted_with_the_line_that_introduces_it():
    text = "To enable a site run:\n\n```sh\na2ensite example\n```\n\nThat is all."
    assert "To enable a site run:\n\n```sh\na2ensite example" in quoted(text)


def test_an_indented_command_is_a_command_and_an_indented_sentence_is_not():
    text = "To enable a site run:\n\n    a2ensite example\n\n  It is enabled at once."
    assert unit_with(text, "a2ensite").kind is BlockKind.CODE
    assert unit_with(text, "at once").kind is BlockKind.PROSE


def test_a_line_above_what_is_indented_further_is_context_of_all_of_it():
    text = "To disable the service\n\n  on Systemd:\n\n    systemctl disable x\n\n  on SysV:\n\n    update-rc.d x\n\nThe end is near."
    assert quoted(text)[0] == "on Systemd:\n\n    systemctl disable x"
    assert stem("disable") in unit_with(text, "update-rc.d").context
    assert stem("disable") not in unit_with(text, "near").context


def test_a_label_in_bold_is_context_of_the_paragraphs_below_it():
    text = "**Repair:**\n\nRestart it.\n\n**Cause:**\n\nA full disk."
    assert stem("repair") in unit_with(text, "Restart").context
    assert unit_with(text, "full").context == {stem("cause")}


def test_code_is_cut_at_its_comments_and_blank_lines_and_never_quoted_as_a_long_block():
    lines = "\n".join(f"step{number} --now" for number in range(9))
    text = f"```\n# Stop all\nstop --all\n# Start\nstart --all\n\nstatus\n\n{lines}\n```"
    found = quoted(text)
    assert found[:3] == ["# Stop all\nstop --all", "# Start\nstart --all", "status"]
    assert max(quote.count("\n") for quote in found) <= 4
    assert all(f"step{number}" in "".join(found) for number in range(9))


def test_a_sentence_over_many_lines_is_cut_at_its_lines():
    text = "\n".join(f"a line of words {number}" for number in range(12)) + "."
    found = quoted(text)
    assert "\n".join(found) == text
    assert max(quote.count("\n") for quote in found) == 4


def test_a_row_of_fields_is_one_unit():
    text = "Tank: Q-087; Pressure: 435. Bar; Wall: steel\n"
    assert quoted(text) == ["Tank: Q-087; Pressure: 435. Bar; Wall: steel"]


def test_a_row_with_bars_is_shown_with_its_columns_and_quoted_without_the_outer_bars():
    text = "| setting | default |\n| --- | --- |\n| query_cache_size | 100 |\n"
    unit = units_of(passage(text)).units[0]
    assert unit.shown == "setting: query_cache_size; default: 100"
    assert text[unit.start : unit.end] == "query_cache_size | 100"


def test_parts_of_a_compound_name_are_words_of_the_unit():
    unit = unit_with("`query_cache_size` is 100.", "100")
    assert {stem("query_cache_size"), stem("cache")} <= unit.stems


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("**Bold** and `code`", "Bold and code"),
        ("see [the page](https://example.org/a_b)", "see the page"),
        ("a_b_c stays", "a_b_c stays"),
        ("2\\. escaped", "2. escaped"),
    ],
)
def test_marks_are_taken_out(text, bare):
    assert plain(text) == bare


def test_remembered_units_are_dropped_with_the_drafts_as_an_erasure_does():
    given = passage("The port is 80.")
    first = units_of(given)
    assert units_of(given) is first
    CachedGenerator(ExtractiveGenerator(), "1").clear()
    assert units_of(given) is not first
