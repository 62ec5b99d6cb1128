"""Each row of a table says what its values are."""

import pytest

from trimtab.extraction.delimited import render_delimited
from trimtab.extraction.markdown_tables import render_markdown_tables
from trimtab.extraction.tables import render_table


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_row_of_delimited_values_has_its_header(delimiter):
    rows = ["tank", "pressure", "wall"], ["Q-1", "435", "steel"], ["Q-2", "12", ""]
    text = render_delimited("\n".join(delimiter.join(row) for row in rows))
    assert text == "tank: Q-1; pressure: 435; wall: steel\n\ntank: Q-2; pressure: 12"


def test_a_value_may_hold_delimiters_and_lines():
    text = render_delimited('name,note\nann,"one, two\nthree"\nbob,4\n')
    assert text == "name: ann; note: one, two three\n\nname: bob; note: 4"


def test_a_table_of_values_alone_has_no_header():
    assert render_table([["1", "2", "3"], ["4", "5", "6"]]) == "1; 2; 3\n\n4; 5; 6"


def test_two_columns_without_a_header_are_names_and_values():
    assert render_table([["Height", "12 m"], ["Depth", "4 m"]], header=False) == (
        "Height: 12 m\n\nDepth: 4 m"
    )


def test_notes_above_a_header_are_no_rows():
    rows = [
        ["Arrivals"],
        ["Collected", "by hand"],
        ["Ship", "Day", "Tons"],
        ["Ann", "Monday", "12"],
        ["Bob", "Friday", "40"],
    ]
    assert render_table(rows).split("\n\n") == [
        "Arrivals",
        "Collected; by hand",
        "Ship: Ann; Day: Monday; Tons: 12",
        "Ship: Bob; Day: Friday; Tons: 40",
    ]


def test_tables_side_by_side_are_two():
    rows = [["Ship", "Tons", "", "Port", "Depth"], ["Ann", "12", "", "Kiel", "9"]]
    assert render_table(rows) == "Ship: Ann; Tons: 12\n\nPort: Kiel; Depth: 9"


def test_a_name_over_several_columns_is_part_of_theirs():
    rows = [
        ["Ship", "2025", "2025"],
        ["Ship", "in", "out"],
        ["Ann", "1", "2"],
        ["Bob", "3", "4"],
    ]
    assert render_table(rows, header=True).startswith("Ship: Ann; 2025 in: 1; 2025 out: 2")


def test_years_name_columns_but_not_above_years():
    assert render_table([["Port", "2024", "2025"], ["Kiel", "9", "8"]]).startswith(
        "Port: Kiel; 2024: 9"
    )
    assert render_table([["Kiel", "2024"], ["Rome", "2025"]]) == "Kiel: 2024\n\nRome: 2025"


MARKDOWN = """Intro:

| Tank | Wall |
|------|:----:|
| Q-1  | a \\| b |
| Q-2  | `x|y` |
After.
"""


def test_a_markdown_table_becomes_rows_with_their_header():
    assert render_markdown_tables(MARKDOWN) == (
        "Intro:\n\nTank: Q-1; Wall: a | b\n\nTank: Q-2; Wall: `x|y`\n\nAfter.\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "```\n| a | b |\n|---|---|\n| 1 | 2 |\n```\n",
        "a | b\nc | d\n",
        "Title | part\n---\ntext\n",
        "no table\n\n---\n",
    ],
)
def test_what_is_no_table_stays_as_it_is(text):
    assert render_markdown_tables(text) == text
