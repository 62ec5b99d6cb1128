"""PDF pages are read as people read them: columns, tables, words and right-to-left lines in order."""

import pytest

from tests.extraction.drawn_pdf import HEBREW, Drawn, drawn_pdf, lines
from trimtab.extraction.pdf import read_pdf
from trimtab.extraction.records import Refusal

LEFT = (
    "Whales sing to each other through",
    "the whole ocean, and their songs",
    "carry over hundreds of miles.",
)
RIGHT = (
    "Crabs walk sideways on the beach",
    "because their legs bend outward",
    "and their shells are very wide.",
)


def text_of(*pages, **options):
    return read_pdf(drawn_pdf(*pages, **options)).text


def test_lines_of_a_paragraph_are_one_line_and_paragraphs_stay_apart():
    text = text_of([*lines(50, 800, *LEFT), *lines(50, 740, *RIGHT)])
    assert text == f"{' '.join(LEFT)}\n\n{' '.join(RIGHT)}"


@pytest.mark.parametrize("row_by_row", [True, False])
def test_columns_are_read_one_after_the_other(row_by_row):
    columns = [lines(50, 800, *LEFT), lines(310, 800, *RIGHT)]
    drawn = [word for row in zip(*columns, strict=True) for word in row]
    text = text_of(drawn if row_by_row else [*columns[0], *columns[1]])
    assert text == f"{' '.join(LEFT)}\n\n{' '.join(RIGHT)}"


def test_columns_below_a_line_over_both_follow_it():
    wide = Drawn(
        50, 820, "All of these animals live in the sea or close to it, and eat plankton too."
    )
    text = text_of([wide, *lines(50, 780, *LEFT), *lines(310, 780, *RIGHT)])
    assert text == f"{wide.text}\n\n{' '.join(LEFT)}\n\n{' '.join(RIGHT)}"


def test_the_rows_of_a_table_have_the_names_of_its_columns():
    rows = [
        ("Valve", "Limit", "Check"),
        ("V-1", "250 bar", "weekly"),
        ("V-2", "180 bar", "monthly"),
    ]
    drawn = [
        Drawn(50 + 150 * column, 800 - 14 * row, cell)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    ]
    assert text_of(drawn) == (
        "Valve: V-1; Limit: 250 bar; Check: weekly\n\nValve: V-2; Limit: 180 bar; Check: monthly"
    )


@pytest.mark.parametrize(
    ("end", "start", "joined"),
    [
        ("of an investi-", "gation that took", "of an investigation that took"),
        ("of the Daten-", "und Netzraum is", "of the Daten- und Netzraum is"),
        ("in the Anglo-", "Saxon chronicle", "in the Anglo-Saxon chronicle"),
        ("the well-", "known song", "the well-known song"),
    ],
)
def test_a_word_that_is_divided_at_the_end_of_a_line_is_one_again(end, start, joined):
    before = "A report of the well-known singers."
    text = text_of(lines(50, 800, before, f"It tells {end}", f"{start} a year of work."))
    assert f"It tells {joined} a year of work." in text


def hebrew(*words):
    """Return the words as they stand on the line, first word rightmost, letters from the left."""
    return " ".join(word[::-1] for word in reversed(words))


def test_a_right_to_left_line_is_read_from_the_right():
    words = "ABC", "DEFG", "HIJK"
    expected = " ".join("".join(HEBREW[code] for code in word) for word in words)
    text = text_of([Drawn(50, 800, hebrew(*words), font="hebrew")])
    assert text == expected


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_a_turned_page_is_read(rotate):
    matrix = {0: "1 0 0 1", 90: "0 1 -1 0", 180: "-1 0 0 -1", 270: "0 -1 1 0"}[rotate]
    drawn = Drawn(300, 400, "The bridge closes at midnight.", matrix=matrix)
    assert text_of([drawn], rotate=rotate) == "The bridge closes at midnight."


def test_pages_without_a_text_are_told():
    found = read_pdf(drawn_pdf([Drawn(50, 800, "Seen.")], [], [], [Drawn(50, 800, "Also.")]))
    assert found.text == "Seen.\n\nAlso."
    assert found.warnings == (
        "Pages 2-3 hold no text: probably scanned; their pictures are not read.",
    )
    assert [found.text[start:].partition("\n")[0] for start in found.pages] == [
        "Seen.",
        "Also.",
        "Also.",
        "Also.",
    ]


def test_running_headers_footers_and_page_numbers_are_left_out():
    pages = [
        [
            Drawn(50, 820, "ACME Confidential", 8),
            Drawn(50, 700, f"Text of page {number} is long enough."),
            Drawn(280, 30, f"Page {number} of 3", 8),
        ]
        for number in (1, 2, 3)
    ]
    assert text_of(*pages) == "\n\n".join(f"Text of page {n} is long enough." for n in (1, 2, 3))


def test_the_first_line_of_a_single_page_stays():
    drawn = [Drawn(50, 820, "ACME Confidential", 8), Drawn(50, 700, "The text.")]
    assert "ACME Confidential" in text_of(drawn)


def test_a_table_of_contents_is_left_out():
    entries = ["1 Whales . . . . . . . . . 3", "2 Crabs . . . . . . . . . . 12"]
    contents = [Drawn(50, 800, "Contents", 18), *lines(50, 770, *entries)]
    text = text_of(contents, [Drawn(50, 800, "Whales", 18), *lines(50, 770, *LEFT)])
    assert text == f"# Whales\n\n{' '.join(LEFT)}"


def test_larger_lines_are_headings():
    drawn = [
        Drawn(50, 800, "Of the sea", 20),
        Drawn(50, 770, "Whales", 14),
        *lines(50, 740, *LEFT),
    ]
    assert text_of(drawn) == f"# Of the sea\n\n## Whales\n\n{' '.join(LEFT)}"


def test_lines_in_a_font_of_fixed_pitch_are_code():
    code = lines(50, 750, "if found:", font="code") + lines(74, 738, "sing()", font="code")
    text = text_of([*lines(50, 800, "Do this:"), *code])
    assert text == "Do this:\n\n```\nif found:\n    sing()\n```"


def test_a_damaged_file_is_refused():
    with pytest.raises(Refusal) as caught:
        read_pdf(b"%PDF-1.4 nothing more")
    assert caught.value.kind == "unreadable"
