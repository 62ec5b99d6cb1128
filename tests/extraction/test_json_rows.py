"""JSON becomes rows of fields; what is no JSON stays as it is."""

import json

import pytest

from trimtab.extraction.json_rows import render_json


def _rows(value):
    return render_json(json.dumps(value)).split("\n\n")


def test_each_object_of_a_list_is_a_row():
    assert _rows([{"name": "ann", "fins": 4}, {"name": "bob", "legs": [2, 3]}]) == [
        "name: ann; fins: 4",
        "name: bob; legs: 2, 3",
    ]


def test_each_line_of_json_lines_is_a_row():
    text = '{"tank": "Q-087", "wall": "steel"}\n\n{"tank": "Q-100", "wall": "brass"}\n'
    assert render_json(text) == "tank: Q-087; wall: steel\n\ntank: Q-100; wall: brass"


@pytest.mark.parametrize("separator", ["\x85", "\u2028"])
def test_a_line_of_json_lines_may_hold_a_unicode_line_end(separator):
    first = json.dumps({"tank": f"a{separator}b"}, ensure_ascii=False)
    text = render_json(f'{first}\n{{"tank": "c"}}\n')
    assert text.endswith("\n\ntank: c")
    assert text.startswith("tank: a")


def test_numbers_are_shown_as_they_are_written():
    assert render_json('{"price": 1.10, "id": 00.5}') == '{"price": 1.10, "id": 00.5}'
    assert render_json('{"price": 1.10, "mass": 1e3, "on": true, "none": null}') == (
        "price: 1.10; mass: 1e3; on: true"
    )


def test_settings_are_named_by_their_path_each_object_in_its_own_row():
    value = {"name": "lamp", "server": {"port": 8080, "tls": {"on": False}}}
    assert _rows(value) == ["name: lamp", "server.port: 8080", "server.tls.on: false"]


def test_a_record_with_an_object_inside_is_one_row():
    assert _rows([{"id": 7, "address": {"city": "Ulm"}}]) == ["id: 7; address.city: Ulm"]


def test_rows_inside_a_record_say_whose_they_are():
    order = {"order": "PO-7", "items": [{"part": "A", "count": 2}, {"part": "B", "count": 3}]}
    assert _rows([order])[1:] == [
        "order: PO-7; items.part: A; items.count: 2",
        "order: PO-7; items.part: B; items.count: 3",
    ]
    assert _rows({"orders": [order]})[2] == (
        "orders.order: PO-7; orders.items.part: B; orders.items.count: 3"
    )


def test_a_long_record_has_several_rows_that_begin_with_its_first_field():
    rows = _rows([{"id": 7} | {f"field{n}": "x" * 50 for n in range(20)}])
    assert len(rows) > 2
    assert all(row.startswith("id: 7; ") and len(row) <= 460 for row in rows)


def test_a_long_text_is_a_paragraph_of_its_own():
    text = "Whales sing. " * 20
    assert _rows([{"title": "Sea", "text": text}]) == ["title: Sea", "text:", text.strip()]


@pytest.mark.parametrize(
    "text",
    ["{'name': 'ann'}", '{"a": 1', "[" * 100_000, '{"a": 1}\nno json', "{}", "[]", "Words."],
)
def test_what_is_no_json_or_empty_stays_as_it_is(text):
    assert render_json(text) == text


def test_values_that_are_no_objects_are_paragraphs():
    assert _rows(["sing", [1, [2, 3]], {"a": [[1], {"b": 2}]}]) == [
        "sing",
        "1, 2, 3",
        "1",
        "a.b: 2",
    ]


@pytest.mark.parametrize("deep", [50, 100_000])
def test_deep_nesting_is_read_or_left_as_it_is(deep):
    text = '{"a":' * deep + '"sing"' + "}" * deep
    assert "sing" in render_json(text)
