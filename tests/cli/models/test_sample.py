"""Rows of files are read as their formats end lines."""

import json

import pytest

from trimtab.cli.models.sample import RowsUnreadable, read_rows


@pytest.mark.parametrize("separator", ["\x85", "\u2028"])
def test_a_text_with_a_unicode_line_end_stays_whole(tmp_path, separator):
    rows = [{"text": f"a{separator}b", "n": 1}, {"text": "c", "n": 2}]
    lines = tmp_path / "rows.jsonl"
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    lines.write_text(text, encoding="utf-8")
    table = tmp_path / "rows.csv"
    table.write_text(f"text,n\na{separator}b,1\nc,2\n", encoding="utf-8")
    assert read_rows(lines)[0] == read_rows(table)[0] == rows


def test_a_quoted_field_may_have_several_lines(tmp_path):
    table = tmp_path / "rows.csv"
    table.write_text('text,n\n"a\nb",1\n', encoding="utf-8")
    assert read_rows(table)[0] == [{"text": "a\nb", "n": 1}]


def test_a_row_with_more_values_than_columns_is_named(tmp_path):
    table = tmp_path / "rows.csv"
    table.write_text("a,b\n1,2\n1,2,3\n", encoding="utf-8")
    with pytest.raises(RowsUnreadable, match="row 3 has more values than the header has columns"):
        read_rows(table)
