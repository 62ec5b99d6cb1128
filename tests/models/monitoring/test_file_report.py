"""Drift of files: CSV and JSON lines, windows, columns that are no features, bad files."""

import json

import numpy as np
import pytest

from tests.models.monitoring.data import reference, transactions, write_csv
from trimtab.models.monitoring.errors import BadDataFile, BadReference
from trimtab.models.monitoring.file_report import report_file
from trimtab.models.monitoring.reference import ColumnRoles, build_reference
from trimtab.models.monitoring.tables import read_blocks, read_columns

REFERENCE = reference()


def test_the_windows_tell_when_a_drift_began(tmp_path):
    columns = transactions(10_000, seed=2)
    columns["V14"] = np.where(np.arange(10_000) >= 6000, columns["V14"] + 1, columns["V14"])
    found = report_file(write_csv(tmp_path / "now.csv", columns), REFERENCE, 2000)
    body = json.loads(json.dumps(found.as_dict("m")))
    assert body["drifted_features"] == ["V14"]
    assert [window["drifted"] for window in body["windows"]] == [[], [], [], ["V14"], ["V14"]]
    assert body["features"][0]["first_drifted_row"] == 6000


def test_json_lines_and_csv_say_the_same(tmp_path):
    columns = transactions(3000, seed=2)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    lines = tmp_path / "now.jsonl"
    lines.write_text("\n".join(json.dumps(row) for row in rows))
    first = report_file(lines, REFERENCE).as_dict("m")
    assert first == report_file(write_csv(tmp_path / "now.csv", columns), REFERENCE).as_dict("m")


def test_a_file_without_a_feature_is_not_a_file_with_drift(tmp_path):
    columns = transactions(3000, seed=2)
    del columns["V17"]
    found = report_file(write_csv(tmp_path / "now.csv", columns), REFERENCE)
    assert found.missing_columns == ("V17",)
    assert found.drifted() == []


@pytest.mark.parametrize("text", ["", "a,a\n1,2\n", "V14,V17\n1\n", "V14,V17\n"])
def test_a_broken_table_is_refused(tmp_path, text):
    (tmp_path / "now.csv").write_text(text)
    with pytest.raises(BadDataFile):
        report_file(tmp_path / "now.csv", REFERENCE)


@pytest.mark.parametrize("text", ["{", "[1]", '{"age": 1}'])
def test_broken_json_lines_are_refused(tmp_path, text):
    (tmp_path / "now.jsonl").write_text(text)
    with pytest.raises(BadDataFile):
        report_file(tmp_path / "now.jsonl", REFERENCE)


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path):
    (tmp_path / "now.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    for name in ("now.csv", "none.csv", "now.parquet"):
        with pytest.raises(BadDataFile):
            report_file(tmp_path / name, REFERENCE)


def test_numbers_gaps_and_texts_are_read_as_written(tmp_path):
    (tmp_path / "now.csv").write_text('a,b,c\n1,,x\n,-2e3,"y, z"\n3,4,\n')
    found = read_columns(tmp_path / "now.csv")
    assert found["a"].tolist()[::2] == [1.0, 3.0]
    assert np.isnan(found["a"][1])
    assert found["b"].tolist()[1:] == [-2000.0, 4.0]
    assert found["c"].tolist() == ["x", "y, z", None]


def test_numbers_alone_are_read_the_same_way(tmp_path):
    (tmp_path / "now.csv").write_text("a,b,c\n1,,3\n,,\n-1,2.5,1e5\n")
    (block,) = read_blocks(tmp_path / "now.csv")
    assert [column.dtype.kind for column in block.values()] == ["f"] * 3
    assert block["c"].tolist()[0] == 3.0
    assert np.isnan(block["b"].tolist()[:2]).all()


def test_a_text_where_a_number_belongs_counts_as_missing(tmp_path):
    columns = transactions(3000, seed=2)
    amounts = columns["amount"].astype(object)
    amounts[::10] = "n/a"
    found = report_file(write_csv(tmp_path / "n.csv", columns | {"amount": amounts}), REFERENCE)
    amount = next(f for f in found.whole.features if f.feature == "amount")
    assert amount.null_rate == pytest.approx(0.1)


def test_columns_that_are_no_features_are_left_out_with_a_reason():
    columns = transactions(500)
    columns["row"] = np.arange(500.0)
    columns["when"] = np.array([f"2026-01-01 00:{n % 60:02}:00" for n in range(500)], object)
    columns["uuid"] = np.array([f"u{n}" for n in range(500)], object)
    columns["period"] = np.array(["reference"] * 500, object)
    found = build_reference(columns, ColumnRoles(ignored=("country",)))
    assert found.skipped == {
        "country": "left out as asked",
        "row": "numbers the rows",
        "when": "is a time",
        "uuid": "identifies the rows",
        "period": "has a single value",
    }
    assert [each.feature for each in found.features] == ["V14", "V17", "amount"]


@pytest.mark.parametrize("rows", [0, 99])
def test_a_reference_of_few_rows_is_refused(rows):
    with pytest.raises(BadReference, match="at least 100"):
        build_reference({"a": np.arange(rows) % 7.0}, ColumnRoles())
