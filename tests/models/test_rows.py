"""Rows are checked against the schema, and what is wrong is named."""

import pytest

from trimtab.models.errors import InvalidRows
from trimtab.models.records import ColumnKind, InputColumn, InputSchema
from trimtab.models.rows import Rows, parse_rows

NUMBERS = InputSchema((InputColumn("a"), InputColumn("b", required=False)))
MIXED = InputSchema(
    (
        InputColumn("age", minimum=0, maximum=150),
        InputColumn("city", ColumnKind.CATEGORY, required=False),
        InputColumn("member", ColumnKind.BOOLEAN),
    )
)
GOOD = {"age": 30, "city": "Rome", "member": True}


def test_numbers_become_a_matrix_in_the_order_of_the_schema():
    rows = parse_rows(NUMBERS, [{"b": 2, "a": 1.5}, {"a": 3, "b": None}])
    assert rows.values is not None
    assert rows.values[0].tolist() == [1.5, 2.0]
    assert rows.values[1, 0] == 3
    assert str(rows.values[1, 1]) == "nan"


def test_an_optional_column_may_be_left_out():
    assert str(parse_rows(NUMBERS, [{"a": 1}]).column("b")[0]) == "nan"
    assert parse_rows(MIXED, [{"age": 1, "member": False}]).columns["city"] == [None]


@pytest.mark.parametrize(
    ("schema", "rows", "message"),
    [
        (NUMBERS, [], "no rows"),
        (NUMBERS, [{"a": 1, "b": 2, "c": 3}], "unknown column 'c'"),
        (NUMBERS, [{"b": 2}], "lacks the column 'a'"),
        (NUMBERS, [{"a": 1, "b": 1}, {"a": "7", "b": 1}], "'a' of row 1 is a text"),
        (NUMBERS, [{"a": True, "b": 1}], "is true or false, not a number"),
        (NUMBERS, [{"a": None, "b": 1}], "is null"),
        (NUMBERS, [{"a": [1], "b": 1}], "is a list"),
        (NUMBERS, [{"a": float("nan"), "b": 1}], "NaN or infinite"),
        (NUMBERS, [{"a": float("inf"), "b": 1}], "NaN or infinite"),
        (NUMBERS, [{"a": 10**400, "b": 1}], "NaN or infinite"),
        (NUMBERS, [[1, 2]], "not an object"),
        (NUMBERS, ["a"], "not an object"),
        (MIXED, [{**GOOD, "age": 151}], "outside of 0 to 150"),
        (MIXED, [{**GOOD, "age": -1}], "outside of 0 to 150"),
        (MIXED, [{**GOOD, "city": 7}], "is a number, not a text"),
        (MIXED, [{**GOOD, "member": 2}], "not true or false"),
        (MIXED, [{**GOOD, "member": "yes"}], "not true or false"),
    ],
)
def test_a_wrong_row_is_refused_with_its_column(schema, rows, message):
    with pytest.raises(InvalidRows, match=message):
        parse_rows(schema, rows)


def test_rows_of_several_requests_are_joined_in_order():
    parts = [parse_rows(NUMBERS, [{"a": at, "b": 0}]) for at in range(3)]
    joined = Rows.join(parts)
    assert joined.column("a").tolist() == [0, 1, 2]
    mixed = [parse_rows(MIXED, [{**GOOD, "age": at}]) for at in range(2)]
    assert Rows.join(mixed).columns["age"] == [0, 1]
