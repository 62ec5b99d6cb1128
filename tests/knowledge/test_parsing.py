# ruff: noqa: RUF001 - texts in several alphabets.
"""Each kind of file becomes text; each unusable one a clear error, in a process that cannot hurt us."""

import gzip
from dataclasses import replace
from email.header import Header
from email.message import EmailMessage
from tempfile import SpooledTemporaryFile

import pytest

from tests.extraction.drawn_pdf import Drawn, drawn_pdf
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
from trimtab.knowledge.parsing.content import Content


@pytest.fixture(scope="module")
def parser(tmp_path_factory):
    shared = Parser(
        replace(KnowledgeSettings(), max_inflated_mb=5, max_document_mb=1),
        tmp_path_factory.mktemp("parser"),
    )
    yield shared
    shared.stop_worker()


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.md", b"# Whales\n\nThey sing.\n", "# Whales\n\nThey sing.\n"),
        ("a.txt", "Grüße\r\nZeile".encode("utf-16"), "Grüße\nZeile"),
        ("a.txt", "Grüße".encode("cp1252"), "Grüße"),
        ("a.json", b'{"whale": 1}', "whale: 1"),
        ("noending", b"just text", "just text"),
    ],
)
def test_a_text_file_is_its_own_text(parser, name, data, text):
    assert parser.parse(name, data).text == text


@pytest.mark.parametrize(
    ("name", "data", "part"),
    [
        ("a.html", b"<html><body><h1>Whales</h1><p>They sing.</p></body></html>", "They sing."),
        ("a.csv", b"name,age\nann,31\n", "name: ann; age: 31"),
        ("a.tsv", b"name\tage\nann\t31\n", "name: ann; age: 31"),
        ("a.rtf", rb"{\rtf1\ansi They {\b sing}.\par Br\'fccke\par}", "They sing.\n\nBr\u00fccke"),
        ("noending", rb"{\rtf1\ansi They sing.\par}", "They sing."),
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
    patient.stop_worker()


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


def mail_of(body, charset, *, subject="Hi", content="plain", encoding="8bit"):
    head = (
        f"From: a@example.org\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/{content}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + body


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_lines_of_a_mail_stay_apart(parser, end):
    lines = "Dates:", "- pumps: 4 May", "- valves: 9 June", "", "On Monday Kim wrote:", "> 2 June"
    text = parser.parse("a.eml", mail_of(end.join(lines).encode(), "utf-8")).text
    assert text.endswith("\n".join(lines))


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("ISO-2022-JP", "\u4f1a\u8b70\u306f\u4e09\u968e\u3067\u3059"),
        ("gb2312", "\u4f1a\u8bae\u5728\u4e09\u697c"),
        ("euc-kr", "\ud68c\uc758\ub294 3\uce35"),
        ("Shift_JIS", "\u4f1a\u8b70\u306f\u4e09\u968e"),
        ("koi8-r", "\u0432\u043e\u043a\u0437\u0430\u043b"),
        ("iso-8859-1", "Gr\u00fc\u00dfe"),
    ],
)
@pytest.mark.parametrize("content", ["plain", "html"])
def test_a_mail_is_decoded_as_it_declares(parser, charset, text, content):
    encoded = text.encode(charset)
    word = Header(text, charset).encode()
    found = parser.parse("a.eml", mail_of(encoded, charset, subject=word, content=content))
    assert found.title == text
    assert text in found.text.partition("a@example.org")[2]


def test_the_attachments_of_a_mail_are_named(parser):
    mail = EmailMessage()
    mail.set_content("The plan is attached.")
    forwarded = EmailMessage()
    forwarded.set_content("The boiler is green.")
    mail.add_attachment("dock 4", filename="note.txt")
    mail.add_attachment(forwarded)
    assert parser.parse("a.eml", mail.as_bytes()).warnings == (
        "2 attachments are left out: note.txt, message/rfc822.",
    )
    box = b"From a@b Mon Mar  4 10:00:00 2024\n" + mail.as_bytes()
    (warning,) = parser.parse("a.mbox", box).warnings
    assert warning.startswith("Message 1: 2 attachments are left out: note.txt")


def test_a_mail_without_attachments_has_no_warning(parser):
    mail = EmailMessage()
    mail.set_content("plain")
    mail.add_alternative("<p>rich</p>", subtype="html")
    assert parser.parse("a.eml", mail.as_bytes()).warnings == ()


def test_lines_of_utf_8_among_others_keep_their_letters(parser):
    data = "Die Pumpe läuft.\n".encode() + 3 * "Der Schlüssel hängt im Büro.\n".encode("cp1252")
    text = parser.parse("a.txt", data).text
    assert "läuft" in text
    assert text.count("Schlüssel hängt im Büro") == 3


def test_a_mail_in_another_character_set_than_declared_is_refused(parser):
    with pytest.raises(DocumentUnreadable):
        parser.parse("a.eml", mail_of("\u4f1a\u8b70".encode("shift_jis"), "utf-8"))


def test_of_a_web_pages_head_only_the_title_is_kept(parser):
    page = (
        b'<html><head><meta charset="utf-8"><meta name="keywords" content="ghost">'
        b"<title>Of\n whales</title></head><body><p>They sing.</p><h2>Crabs</h2></body></html>"
    )
    found = parser.parse("a.html", page)
    assert (found.title, found.text) == ("Of whales", "They sing.\n\n## Crabs")


def test_a_web_page_without_a_body_tag_is_read_whole(parser):
    found = parser.parse("a.html", b"<title>Of whales</title><p>They sing.</p>")
    assert "They sing." in found.text


RUSSIAN = "Мост в городе починили за четыре тысячи рублей. Он стоит севернее вокзала."
UKRAINIAN = "Міст у місті відремонтували за чотири тисячі гривень, він стоїть на півночі."
JAPANESE = "町の橋は四千円で修理されました。駅の北側です。"
CHINESE = "会议在三楼举行，请大家准时参加。桥梁维修费用为四千元。"
TAIWANESE = "會議在三樓舉行，請大家準時參加。橋樑維修費用為四千元。"
KOREAN = "회의는 삼층에서 열립니다. 모두 제시간에 참석해 주세요."
GERMAN = "Grüße aus Köln: die Straße ist über die Brücke zu erreichen."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((GERMAN, encoding) for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252")),
        *((RUSSIAN, encoding) for encoding in ("koi8-r", "cp1251")),
        *((UKRAINIAN, encoding) for encoding in ("koi8-u", "cp1251")),
        *((JAPANESE, encoding) for encoding in ("shift_jis", "euc-jp")),
        (CHINESE, "gb18030"),
        (TAIWANESE, "big5"),
        (KOREAN, "euc-kr"),
    ],
)
def test_a_text_file_is_decoded_rightly(parser, text, encoding):
    assert parser.parse("a.txt", text.encode(encoding)).text == text


def test_one_byte_of_another_encoding_does_not_spoil_the_rest(parser):
    data = "Köln und Gürzenich\n".encode() + "Düren\n".encode("cp1252")
    assert parser.parse("a.txt", data).text == "Köln und Gürzenich\nDüren\n"


def test_a_text_in_an_encoding_that_cannot_be_told_is_refused(parser):
    with pytest.raises(DocumentUnreadable, match="encoding") as caught:
        parser.parse("a.txt", bytes(range(0x80, 0x100)) * 3)
    assert "UTF-8" in caught.value.hint()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.rtf", b"The ferry leaves at nine."),
        ("a.txt", rb"{\rtf1\ansi The ferry leaves at nine\par}"),
        ("a.xml", b"<?xml version='1.0'?><ferry>nine</ferry>"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(parser, name, data):
    with pytest.raises(DocumentTypeUnsupported):
        parser.parse(name, data)


MAILBOX = (
    b"From ann@example.org Mon Jan  5 10:00:00 2026\n"
    b"Subject: Whales\nFrom: ann@example.org\n\nThey sing.\n>From afar.\n\n"
    b"From bob@example.org Tue Jan  6 10:00:00 2026\n"
    b"Subject: =?utf-8?q?K=C3=B6ln?=\nContent-Type: text/plain; charset=iso-8859-1\n\nBr\xfccke\n\n"
    b"From cyd@example.org Wed Jan  7 10:00:00 2026\n"
    b"Subject: Bad\nContent-Type: text/plain; charset=utf-8\n\n\xff\xfe\n"
)


@pytest.mark.parametrize("name", ["a.mbox", "inbox"])
def test_the_mails_of_a_mailbox_are_read_each_under_its_subject(parser, name):
    found = parser.parse(name, MAILBOX)
    assert found.text.startswith("# Whales\n\n**Subject**: Whales\n")
    assert "They sing.\nFrom afar." in found.text
    assert "# K\u00f6ln" in found.text
    assert "Br\u00fccke" in found.text
    (warning,) = found.warnings
    assert warning.startswith("Message 3 cannot be read")


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("notes.gz", b"They sing.", "They sing."),
        ("notes.txt.gz", b"They sing.", "They sing."),
        ("a.csv.gz", b"name,age\nann,31\n", "name: ann; age: 31"),
        ("a.html.GZ", b"<p>They sing.</p>", "They sing."),
    ],
)
def test_a_compressed_text_is_read(parser, name, data, text):
    found = parser.parse(name, gzip.compress(data))
    assert (found.text, found.title) == (text, name.partition(".")[0])


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_compressed_text_is_read_from_the_temporary_file_of_an_upload(parser, on_disk):
    with SpooledTemporaryFile() as stream:
        stream.write(gzip.compress(b"They sing."))
        if on_disk:
            stream.rollover()
        assert parser.parse("a.gz", Content(stream)).text == "They sing."


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (gzip.compress(b"They sing." * 100)[:-30], DocumentUnreadable),
        (gzip.compress(b"x" * ((1 << 20) + 1)), DocumentTooLarge),
        (gzip.compress(b"a \0 binary"), DocumentTypeUnsupported),
        (gzip.compress(gzip.compress(b"They sing.")), DocumentTypeUnsupported),
    ],
    ids=["damaged", "too large", "binary", "compressed twice"],
)
def test_a_compressed_file_that_is_damaged_too_large_or_no_text_is_refused(parser, data, error):
    with pytest.raises(error):
        parser.parse("a.gz", data)


def test_pages_of_a_pdf_without_a_text_are_told(parser):
    found = parser.parse("a.pdf", drawn_pdf([Drawn(50, 800, "Seen.")], []))
    assert found.warnings == ("Page 2 holds no text: probably scanned; its pictures are not read.",)
    with pytest.raises(DocumentEmpty, match="Pages 1-2 hold no text: probably scanned"):
        parser.parse("a.pdf", drawn_pdf([], []))


def test_a_text_that_begins_like_a_mailbox_is_still_a_text(parser):
    assert parser.parse("notes", b"From the sea come whales.").text == "From the sea come whales."


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.eml"])
def test_characters_without_width_do_not_cut_words(parser, name):
    text = "Daten\u00adschutz\u200bbe\u2060auf\ufefftragte und Haus\u200dordnung"
    found = parser.parse(
        name, f"Subject: x\n\n{text}".encode() if name == "a.eml" else text.encode()
    )
    assert "Datenschutzbeauftragte und Hausordnung" in found.text


def test_joiners_of_other_scripts_and_of_emoji_stay(parser):
    text = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f469\u200d\U0001f680"
    assert parser.parse("a.txt", text.encode()).text == text
