"""Office files become passages that can be cited, and a broken one harms nobody."""

import contextlib
import io
from dataclasses import replace

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.knowledge.office import mail, one_of_each, paper, slides, workbook
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.errors import InvalidInput
from trimtab.knowledge.parsing import Parser

FILES = one_of_each()


@pytest.fixture(scope="module")
def parser(tmp_path_factory):
    shared = Parser(
        replace(KnowledgeSettings(), parse_seconds=10.0, max_inflated_mb=20),
        tmp_path_factory.mktemp("parser"),
    )
    yield shared
    shared.stop_worker()


def test_a_slide_is_cited_by_its_number_and_title(knowledge):
    knowledge.ingest_bytes("sea", "a.pptx", slides(("Whales", "Sing."), ("Crabs", "Sideways.")))
    (found, *_) = knowledge.search("sea", "sideways").passages
    assert (found.page, found.heading) == (2, "Crabs")


def test_the_notes_of_a_slide_follow_it(parser):
    file = slides(("Whales", "Sing."), ("Crabs", "Walk."), notes="They walk\nsideways.")
    found = parser.parse("a.pptx", file)
    assert found.text.endswith("Walk.\n\n### Notes\n\nThey walk\n\nsideways.\n")
    assert found.text[found.pages[1] :].startswith("## Crabs")


def test_the_footer_of_slides_and_the_signs_of_markdown_are_left_out(parser):
    pages = [(f"Part {n}", f"Whales * {n} * sing!\n\nACME 2026") for n in range(4)]
    text = parser.parse("a.pptx", slides(*pages)).text
    assert "Whales * 2 * sing!" in text
    assert "ACME" not in text
    assert "ACME" in parser.parse("b.pptx", slides(*pages[:2])).text


def test_a_row_is_cited_by_its_sheet(knowledge):
    tides = [["hour", "height"], [6, 1.5]]
    knowledge.ingest_bytes("sea", "a.xlsx", workbook(Tides=tides, Crabs=[["name"], ["bob"]]))
    (found, *_) = knowledge.search("sea", "bob").passages
    assert found.heading == "Crabs"
    assert found.text.strip().endswith("bob")


def test_a_paragraph_is_cited_by_its_heading_and_the_documents_title(knowledge):
    made = paper("Of the sea", ("Whales", "They sing."), ("Crabs", "They walk sideways."))
    knowledge.ingest_bytes("sea", "a.docx", made)
    (found, *_) = knowledge.search("sea", "sideways").passages
    assert (found.heading, found.title) == ("Crabs", "Of the sea")


def test_a_mail_is_titled_by_its_subject(knowledge):
    knowledge.ingest_bytes("sea", "a.eml", mail("Whales at noon", "They sing."))
    (found, *_) = knowledge.search("sea", "sing").passages
    assert found.title == "Whales at noon"


def test_a_table_of_values_and_a_json_file_are_found_by_their_words(knowledge):
    knowledge.ingest_bytes("sea", "a.csv", b"name,legs\nbob,10\n")
    knowledge.ingest_bytes("sea", "b.json", b'{"name": "ann", "fins": 4}')
    for word, name in (("bob", "a.csv"), ("fins", "b.json")):
        found = knowledge.search("sea", word).passages
        assert [p.document_name for p in found if p.keyword_score] == [name]


@st.composite
def broken(draw):
    """A real file of some format with bytes changed, cut out, repeated or inserted."""
    name = draw(st.sampled_from(sorted(FILES)))
    data = bytearray(FILES[name])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        size = draw(st.sampled_from([1, 4, 64, 1024]))
        match draw(st.sampled_from(["change", "cut", "repeat", "insert"])):
            case "change":
                data[at : at + size] = draw(st.binary(min_size=1, max_size=size))
            case "cut":
                del data[at : at + size]
            case "repeat":
                data[at:at] = data[at : at + size] * 3
            case _:
                data[at:at] = draw(st.binary(max_size=size))
    return name, bytes(data)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(broken())
def test_a_broken_file_is_read_or_refused_in_bounded_time(parser, file):
    with contextlib.suppress(InvalidInput):  # What takes too long is killed, and refused too.
        parser.parse(*file)
    assert parser.parse("after.html", b"<p>still well</p>").text.strip() == "still well"


def test_objects_and_log_entries_are_stored_row_by_row(knowledge):
    knowledge.ingest_bytes("sea", "a.json", b'[{"tank": "Q-087", "wall": "steel"}]')
    knowledge.ingest_bytes("sea", "b.log", b"2026-11-29 12:00:00 ERROR The pump stopped.\n")
    assert knowledge.documents.text("sea", "a.json") == "tank: Q-087; wall: steel"
    assert knowledge.documents.text("sea", "b.log") == (
        "time: 2026-11-29 12:00:00; level: ERROR; message: The pump stopped."
    )


def test_rows_that_would_be_too_long_stay_as_they_are(tmp_path):
    text = '{"long_name": [{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}]}'
    rows = "\n\n".join(f"long_name.a: {n}" for n in range(1, 5))
    for limit, expected in ((len(rows) - 1, text), (len(rows), rows)):
        tight = Parser(replace(KnowledgeSettings(), max_text_characters=limit), tmp_path)
        assert tight.parse("a.json", text.encode()).text == expected


def test_a_table_of_contents_of_a_word_document_is_not_ingested(parser):
    made = docx.Document()
    made.styles.add_style("toc 1", WD_STYLE_TYPE.PARAGRAPH)
    made.add_paragraph("Whales\t2", style="toc 1")
    made.add_heading("Whales", 1)
    made.add_paragraph("They sing.")
    file = io.BytesIO()
    made.save(file)
    assert parser.parse("a.docx", file.getvalue()).text.strip() == "# Whales\n\nThey sing."
