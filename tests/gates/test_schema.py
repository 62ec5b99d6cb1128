"""The schema gate: strict JSON, required fields, ranges, versions, migrations - in the contract's words."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.gates.errors import EvidenceUnreadable
from trimtab.gates.schema import CURRENT, available, check_document, check_report, downgrade
from trimtab.gates.schema.migrate import migrate
from trimtab.gates.schema.versions import version_of
from trimtab.gates.strictjson import parse

FLAT = {
    "name": "mmlu",
    "accuracy": 0.71,
    "samples_processed": 100,
    "duration_s": 12.5,
    "status": "PASS",
    "schema_version": "1.0",
}
SIX = tuple(FLAT)


def _check(**changes):
    return check_report(orjson.dumps({**FLAT, **changes}))


@pytest.mark.feature("F030", "F034", "F035", "F036", "F037", "F038", "F039")
@pytest.mark.parametrize("field", SIX)
def test_each_of_the_six_fields_is_required(field):
    report = {key: value for key, value in FLAT.items() if key != field}
    found = check_report(orjson.dumps(report)).findings
    # Without a version the report is measured against the current one, which asks for more.
    assert f"$.{field}" in {f.path for f in found if f.code == "schema.required_missing"}


@pytest.mark.feature("F025", "F040")
def test_a_missing_field_is_reported_in_the_contracts_words():
    report = {key: value for key, value in FLAT.items() if key != "accuracy"}
    (found,) = check_report(orjson.dumps(report)).findings
    assert found.message == "Required field missing: accuracy"
    assert found.team == "@schema-team"


@pytest.mark.feature("F024")
@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"a": NaN}', b"\xff"])
def test_what_is_no_json_object_is_an_invalid_json_schema(raw):
    (found,) = check_report(raw).findings
    assert found.message.startswith("Invalid JSON schema")


@pytest.mark.feature("F026", "F035", "F036", "F037")
@pytest.mark.parametrize(
    ("field", "value"),
    [("accuracy", 1.01), ("accuracy", -0.01), ("accuracy", 71), ("samples_processed", 0), ("duration_s", 0), ("duration_s", -1)],
)  # fmt: skip
def test_a_value_out_of_range_is_named_with_its_path(field, value):
    (found,) = _check(**{field: value}).findings
    assert (found.message.split(":")[0], found.path) == ("Value out of range", f"$.{field}")


@pytest.mark.feature("F035", "F036", "F037")
@pytest.mark.parametrize(
    ("field", "value"),
    [("accuracy", 0), ("accuracy", 1.0), ("samples_processed", 1), ("duration_s", 1e-9)],
)
def test_the_ends_of_the_ranges_are_allowed(field, value):
    assert _check(**{field: value}).report is not None


@pytest.mark.feature("F038")
@pytest.mark.parametrize("status", ["PASS", "PARTIAL", "ERROR"])
def test_the_three_statuses_are_allowed(status):
    assert _check(status=status).report is not None


@pytest.mark.feature("F038")
@pytest.mark.parametrize("status", ["pass", "OK", "", None, True])
def test_any_other_status_names_the_three(status):
    (found,) = _check(status=status).findings
    assert found.code == "schema.invalid_status"
    assert '"PASS", "PARTIAL" or "ERROR"' in found.fix


@pytest.mark.feature("F032")
def test_an_unknown_version_lists_the_known_ones():
    (found,) = _check(schema_version="3.7").findings
    assert all(version in found.message for version in available("report"))


@pytest.mark.feature("F032")
def test_a_patch_number_does_not_matter():
    assert _check(schema_version="1.0.4").report is not None


@pytest.mark.feature("F031")
def test_every_kind_of_document_has_its_current_schema():
    assert all(version in available(kind) for kind, version in CURRENT.items())


@pytest.mark.feature("F040")
def test_an_old_report_is_noted_and_comes_out_in_the_current_version():
    checked = _check(predictions_count=100, metrics={"compute_mode": "cpu"})
    assert [found.code for found in checked.findings] == ["schema.old_version"]
    assert check_document("report", checked.report) == ()


def test_an_error_deep_inside_has_its_json_path():
    report = migrate({**FLAT, "predictions_count": 100, "metrics": {"compute_mode": "cpu"}})
    report["results"][0]["accuracy"] = "high"
    (found,) = check_report(orjson.dumps(report)).findings
    assert found.path == "$.results[0].accuracy"


_accuracy = st.floats(0, 1, allow_nan=False)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
_flat = st.fixed_dictionaries(
    {
        "name": st.text(min_size=1, max_size=20),
        "accuracy": _accuracy,
        "samples_processed": st.integers(1, 10**9),
        "duration_s": st.floats(1e-6, 1e6),
        "status": st.sampled_from(["PASS", "PARTIAL", "ERROR"]),
        "schema_version": st.just("1.0"),
    },
    optional={
        "predictions_count": st.integers(0, 10**9),
        "metrics": st.fixed_dictionaries({}, optional={"compute_mode": st.just("cpu"), "x": _json}),
        "extra": st.dictionaries(st.text(max_size=5), _json, max_size=3),
        "results": st.lists(st.fixed_dictionaries({}, optional={"duration_s": st.floats(1e-6, 1e6), "note": _json}), max_size=3),
        "comment": _json,
    },
)  # fmt: skip


@given(_flat)
def test_migrating_up_and_down_gives_the_same_report(report):
    before = orjson.loads(orjson.dumps(report))
    upper = migrate(report)
    assert report == before
    assert check_document("report", upper) == ()
    assert downgrade(upper, "1.0") == before


def test_going_down_refuses_to_drop_what_the_older_version_cannot_say():
    upper = migrate({**FLAT, "metrics": {"compute_mode": "cpu"}})
    upper["results"][0]["stderr"] = 0.01
    with pytest.raises(EvidenceUnreadable, match="stderr"):
        downgrade(upper, "1.0")


@given(_json)
def test_every_document_without_doubled_keys_is_read_as_json_reads_it(document):
    for text in (
        json.dumps(document),
        json.dumps(document, indent=2),
        json.dumps(document, separators=(" ,", " : ")),
    ):
        parsed = parse(text.encode())
        assert (parsed.value, parsed.findings) == (json.loads(text), ())


@given(st.text(max_size=6), st.text(max_size=6), st.sampled_from([":", " :", "\n:"]), st.booleans())
def test_a_doubled_key_is_found_however_it_is_written(key, value, colon, escaped):
    name = json.dumps(key, ensure_ascii=escaped)
    text = f'{{"a": {json.dumps(value)}, "o": {{{name}{colon}1, "x": ":", {name}:2}}}}'
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return
    if key == "x":
        return
    assert (
        "schema.duplicate_key" in {found.code for found in parse(raw).findings}
        or parse(raw).value is None
    )


@pytest.mark.parametrize(
    "number", ["9007199254740993", "-9007199254740993", "1e17", "1" + "0" * 40]
)
def test_a_number_that_readers_disagree_about_is_refused(number):
    found = parse(f'{{"a": [{{"b": {number}}}]}}'.encode()).findings
    assert [(f.code, f.path) for f in found] == [("schema.number_too_large", "$.a[0].b")]


def test_the_version_of_something_else_is_none():
    assert [
        version_of(x) for x in (None, [], {}, {"schema_version": 2.0}, {"schema_version": "two"})
    ] == [None] * 5
