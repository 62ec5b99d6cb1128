"""Training sets are read line by line as their format ends lines, and no other way."""

import json

import pytest

from trimtab.models.trained.datasets import read_json_lines
from trimtab.models.trained.errors import TrainingDataInvalid

# Python's `str.splitlines` ends a line at each of these; JSON Lines does not.
SEPARATORS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


def test_texts_with_unicode_line_ends_are_one_line(tmp_path):
    rows = [{"text": f"a{separator}b"} for separator in SEPARATORS] + [{"text": "last"}]
    file = tmp_path / "data.jsonl"
    file.write_text(
        "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows[4:])
        + "\n\n"
        + "\n".join(json.dumps(row) for row in rows[:4]),
        encoding="utf-8",
        newline="",
    )
    assert [row for _, row in read_json_lines(file)] == rows[4:] + rows[:4]


def test_a_line_that_is_no_json_is_named_by_its_number(tmp_path):
    file = tmp_path / "data.jsonl"
    file.write_text('{"text": "a\u2028b"}\n{"text": \n', encoding="utf-8")
    with pytest.raises(TrainingDataInvalid, match="line 2"):
        read_json_lines(file)
