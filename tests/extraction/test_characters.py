"""Characters without width are taken out, and pages begin where their text begins."""

import pytest

from trimtab.extraction.characters import cleaned, cleaned_pages


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Haus\u00adhalt", "Haushalt"),
        ("Not\u2060strom\u200b\ufeff", "Notstrom"),
        ("a\u200db \u0915\u094d\u200d\u0937", "ab \u0915\u094d\u200d\u0937"),
        ("one\r\ntwo\rthree\x00", "one\ntwo\nthree"),
        ("\x1b[1;31mERROR\x1b[0m the \x1b]0;title\x07pump\x1b[K", "ERROR the pump"),
        ("N\bNA\bAME\bE _\bf_\bo", "NAME fo"),
        ("a\x01b\x7f\x1b", "ab"),
        ("plain \u4f1a\u8b70 \u00fc", "plain \u4f1a\u8b70 \u00fc"),
    ],
)
def test_only_what_has_no_width_is_taken_out(text, expected):
    assert cleaned(text) == expected


def test_pages_begin_where_their_cleaned_text_begins():
    pages = ["", "Haus\u00adhalt.\r\n\n", "Not\u2060strom.\n\n", "Ende\u200b."]
    text = "".join(pages)
    starts = [len("".join(pages[: at + 1])) for at in range(3)]
    found, begins = cleaned_pages(text, starts)
    assert found == "Haushalt.\n\nNotstrom.\n\nEnde."
    assert [found[start:][:4] for start in begins] == ["Haus", "Nots", "Ende"]


def test_a_text_without_pages_has_none():
    assert cleaned_pages("Haus\u00adhalt", ()) == ("Haushalt", ())
