"""Workbooks are read as their sheets show them."""

import io
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
from openpyxl.comments import Comment

from trimtab.extraction.number_formats import shown
from trimtab.extraction.records import Refusal
from trimtab.extraction.spreadsheet import read_workbook


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        (12, "General", "12"),
        (0.1 + 0.2, "General", "0.3"),
        (True, "General", "TRUE"),
        (None, "General", ""),
        (0.125, "0.0%", "12.5%"),
        (0.5, "0%", "50%"),
        (1067, "00000", "01067"),
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (2.5, "0.##", "2.5"),
        (2, "0.##", "2"),
        (0.005, "0.00", "0.01"),
        (1234567, '#,##0,"k"', "1,235k"),
        (19.9, "0.00 [$EUR]", "19.90 EUR"),
        (10, '0 "kW"', "10 kW"),
        (-3, "0;(0)", "(3)"),
        (-3, "0.0", "-3.0"),
        (0, '0;-0;"none"', "none"),
        (-0.001, "0", "0"),
        (12345, "0.00E+00", "1.23E+04"),
        (date(2031, 1, 5), "mm-dd-yy", "2031-01-05"),
        (datetime(2031, 1, 5), "yyyy\\-mm\\-dd", "2031-01-05"),
        (datetime(2031, 1, 5, 14, 30), "d.m.yyyy h:mm", "5.1.2031 14:30"),
        (datetime(2031, 1, 5, 14, 30), "d mmm yy h:mm AM/PM", "5 Jan 31 2:30 PM"),
        (datetime(2031, 1, 5), "General", "2031-01-05"),
        (time(7, 45), "hh:mm", "07:45"),
        (timedelta(hours=30), "[h]:mm", "30:00"),
        (timedelta(minutes=90, seconds=5), "[h]:mm:ss", "1:30:05"),
        ("#DIV/0!", "General", "#DIV/0!"),
    ],
)
def test_a_value_is_shown_as_its_format_says(value, number_format, expected):
    assert shown(value, number_format) == expected


def saved(fill):
    book = openpyxl.Workbook()
    fill(book)
    file = io.BytesIO()
    book.save(file)
    return read_workbook(file.getvalue())


def test_rows_have_their_header_and_values_their_form():
    def fill(book):
        sheet = book.active
        sheet.title = "Orders"
        sheet.append(["Order", "Share", "Due"])
        sheet.append(["PO-1", 0.125, date(2031, 1, 5)])
        sheet["B2"].number_format = "0.0%"

    assert saved(fill).text == "## Orders\n\nOrder: PO-1; Share: 12.5%; Due: 2031-01-05"


def test_a_merged_cell_stands_in_each_of_its_rows():
    def fill(book):
        for row in (["Hall", "Machine"], ["North", "L1"], [None, "M2"], ["South", "P3"]):
            book.active.append(row)
        book.active.merge_cells("A2:A3")

    assert "Hall: North; Machine: M2" in saved(fill).text


def test_hidden_sheets_rows_and_columns_are_left_out_and_told():
    def fill(book):
        sheet = book.active
        sheet.title = "Seen"
        for row in (["name", "salary", "room"], ["ann", 1, 12], ["bob", 2, 13]):
            sheet.append(row)
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["B"].hidden = True
        secret = book.create_sheet("Secret")
        secret.append(["plan"])
        secret.sheet_state = "hidden"

    found = saved(fill)
    assert found.text == "## Seen\n\nname: ann; room: 12"
    assert found.warnings == (
        "1 row and 1 column of the sheet 'Seen' left out: hidden.",
        "The sheet 'Secret' is hidden and left out.",
    )


def test_a_comment_follows_its_cell():
    def fill(book):
        book.active["A1"] = "Total"
        book.active["A1"].comment = Comment("checked by ann", "bob")

    assert "Total (note: checked by ann)" in saved(fill).text


def test_a_damaged_workbook_is_refused():
    with pytest.raises((Refusal, Exception)) as caught:
        read_workbook(b"PK\x03\x04 nothing more")
    assert "File is not a zip file" in str(caught.value)
