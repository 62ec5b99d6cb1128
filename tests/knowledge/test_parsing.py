"""Each kind of file becomes text; each unusable one a clear error, in a process that cannot hurt us."""

from dataclasses import replace

import pytest

from tests.knowledge.documents import docx, pdf
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.knowledge.errors import (
    DocumentEmpty,
    DocumentEncrypted,
    DocumentTooLarge,
    DocumentTypeUnsupported,
    DocumentUnreadable,
    ParserFailed,
)
from trimtab.knowledge.parsing import Parser


@pytest.fixture(scope="module")
def parser(tmp_path_factory):
    shared = Parser(
        replace(KnowledgeSettings(), max_inflated_mb=5, max_document_mb=1),
        tmp_path_factory.mktemp("parser"),
    )
    yield shared
    shared.rest()


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.md", b"# Whales\n\nThey sing.\n", "# Whales\n\nThey sing.\n"),
        ("a.txt", "Grüße\r\nZeile".encode("utf-16"), "Grüße\nZeile"),
        ("a.txt", "Grüße".encode("cp1252"), "Grüße"),
        ("a.json", b'{"whale": 1}', '{"whale": 1}'),
        ("noending", b"just text", "just text"),
    ],
)
def test_a_text_file_is_its_own_text(parser, name, data, text):
    assert parser.parse(name, data).text == text


@pytest.mark.parametrize(
    ("name", "data", "part"),
    [
        ("a.html", b"<html><body><h1>Whales</h1><p>They sing.</p></body></html>", "They sing."),
        ("a.csv", b"name,age\nann,31\n", "ann,31"),
        ("a.eml", b"From: a@b.c\nSubject: Hi\n\nBody of mail\n", "Body of mail"),
        ("a.docx", docx("They sing."), "They sing."),
        ("a.pdf", pdf("They sing."), "They sing."),
    ],
)
def test_a_formatted_file_becomes_text(parser, name, data, part):
    assert part in parser.parse(name, data).text


def test_the_title_comes_from_the_document(parser):
    page = b"<html><head><title>Of whales</title></head><body><p>x</p></body></html>"
    assert parser.parse("a.md", b"---\ntitle: Of whales\n---\n# Other\n").title == "Of whales"
    assert parser.parse("a.html", page).title == "Of whales"
    assert parser.parse("of/whales.txt", b"x").title == "whales"


def test_pages_begin_where_their_text_begins(parser):
    found = parser.parse("a.pdf", pdf("First page.", "Second page."))
    assert found.text[found.pages[1] :].startswith("Second page.")
    assert found.pages[0] == 0


def test_scripts_are_not_text(parser):
    found = parser.parse("a.html", b"<p>seen</p><script>steal()</script><style>p{}</style>")
    assert found.text.strip() == "seen"


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("a.txt", b" \n ", DocumentEmpty),
        ("a.html", b"<html><body></body></html>", DocumentEmpty),
        ("a.pdf", b"%PDF-1.4 nothing more", DocumentUnreadable),
        ("a.docx", b"PK\x03\x04 nothing more", DocumentUnreadable),
        ("a.pdf", b"plain words", DocumentTypeUnsupported),
        ("a.md", b"%PDF-1.4 and more", DocumentTypeUnsupported),
        ("a.txt", b"zero \0 bytes", DocumentTypeUnsupported),
        ("a.png", b"\x89PNG\r\n\x1a\n", DocumentTypeUnsupported),
        ("a.pdf", pdf("secret", encrypted=True), DocumentEncrypted),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 ole", DocumentEncrypted),
        ("a.docx", docx("boom", inflated_to=6 << 20), DocumentTooLarge),
        ("a.txt", b"x" * (1 << 20) + b"x", DocumentTooLarge),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_unusable_file_is_refused_with_the_next_step(parser, name, data, error):
    with pytest.raises(error) as caught:
        parser.parse(name, data)
    assert type(caught.value) is error
    assert caught.value.hint()


def test_a_parser_that_takes_too_long_is_killed_and_the_next_file_is_read(tmp_path):
    parser = Parser(replace(KnowledgeSettings(), parse_seconds=0.001), tmp_path)
    with pytest.raises(ParserFailed, match="time"):
        parser.parse("a.html", b"<p>x</p>" * 10_000)
    patient = Parser(KnowledgeSettings(), tmp_path)
    assert patient.parse("a.html", b"<p>x</p>").text.strip() == "x"
    patient.rest()


def test_a_worker_that_was_killed_is_replaced(parser):
    parser.parse("a.html", b"<p>x</p>")
    parser._worker.process.kill()
    with pytest.raises(ParserFailed):
        parser.parse("a.html", b"<p>x</p>")
    assert parser.parse("a.html", b"<p>x</p>").text.strip() == "x"


def test_one_worker_serves_many_files(parser):
    parser.parse("a.html", b"<p>x</p>")
    before = parser.worker_pid
    parser.parse("a.html", b"<p>y</p>")
    assert parser.worker_pid == before
