"""Corruptions of the report file that the schema gate must detect."""

from collections.abc import Callable
from typing import Any

from trimtab.gates.selftest.corruption import Corruption
from trimtab.gates.selftest.sample_project import SampleProject

_JSON, _KEY, _LARGE = (
    ("schema.invalid_json",),
    ("schema.duplicate_key",),
    ("schema.number_too_large", "schema.invalid_json"),
)
_MISSING, _RANGE, _WRONG = (
    ("schema.required_missing",),
    ("schema.out_of_range",),
    ("schema.invalid",),
)
_STATUS, _VERSION, _FIELD = (
    ("schema.invalid_status",),
    ("schema.unknown_version",),
    ("schema.unknown_field",),
)
YES = True
SIX = ("name", "accuracy", "samples_processed", "duration_s", "status", "schema_version")


def _raw(name: str, edit: Callable[[bytes], bytes], expect: tuple[str, ...]) -> Corruption:
    def change(sample: SampleProject) -> None:
        sample.report_path.write_bytes(edit(sample.report_path.read_bytes()))

    return Corruption("schema", name, change, expect)


def _top(
    name: str, edit: Callable[[dict[str, Any]], object], expect: tuple[str, ...]
) -> Corruption:
    return Corruption("schema", name, lambda sample: sample.edit_report(edit), expect)


def _result(name: str, key: str, value: object, expect: tuple[str, ...]) -> Corruption:
    return Corruption(
        "schema",
        name,
        lambda sample: sample.edit_result(lambda result: result.update({key: value})),
        expect,
    )


def _replace(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda raw: raw.replace(old, new, 1)


_FILES = (
    _raw("empty file", lambda _: b"", _JSON),
    _raw("only blanks", lambda _: b" \n\n", _JSON),
    _raw("cut in half", lambda raw: raw[: len(raw) // 2], _JSON),
    _raw("last byte missing", lambda raw: raw.rstrip()[:-1], _JSON),
    _raw("a list instead of an object", lambda _: b"[]", _JSON),
    _raw("null", lambda _: b"null", _JSON),
    _raw("two documents", lambda raw: raw + raw, _JSON),
    _raw("text after the end", lambda raw: raw + b"x", _JSON),
    _raw("trailing comma", _replace(b"\n}", b",\n}"), _JSON),
    _raw("a comment", lambda raw: b"// made by hand\n" + raw, _JSON),
    _raw("single quotes", _replace(b'"name"', b"'name'"), _JSON),
    _raw("byte-order mark", lambda raw: b"\xef\xbb\xbf" + raw, _JSON),
    _raw("UTF-16", lambda raw: raw.decode().encode("utf-16"), _JSON),
    _raw("a byte that is not UTF-8", _replace(b"selftest", b"self\xfftest"), _JSON),
    _raw("a lone surrogate", _replace(b'"selftest"', b'"\\ud800"'), _JSON),
    _raw("NaN", _replace(b'"accuracy": ', b'"accuracy": NaN, "x": '), _JSON),
    _raw("Infinity", _replace(b'"duration_s": ', b'"duration_s": Infinity, "x": '), _JSON),
    _raw("minus Infinity", _replace(b'"accuracy": ', b'"accuracy": -Infinity, "x": '), _JSON),
    _raw("a number beyond doubles", _replace(b'"seeds": {', b'"seeds": {"z": 1e400, '), _LARGE),
    _raw("a whole number beyond 2^53", _replace(b'"seeds": {', b'"seeds": {"z": 9007199254740993, '), _LARGE),
    _raw("a number of thirty digits", _replace(b'"seeds": {', b'"seeds": {"z": 100000000000000000000000000000, '), _LARGE),
    _raw("doubled key at the top", _replace(b'"name": ', b'"accuracy": 0.99, "name": '), _KEY),
    _raw("doubled key in a result", _replace(b'"measure": ', b'"accuracy": 0.99, "measure": '), _KEY),
    _raw("doubled key with a blank before its colon", _replace(b'"name": ', b'"accuracy" : 0.99, "name": '), _KEY),
    _raw("doubled key written with an escape", _replace(b'"name": ', b'"\\u0061ccuracy": 0.99, "name": '), _KEY),
    _raw("doubled key hidden behind a string that starts with a colon", _replace(b'"name": ', b'"status" : "PASS", "extra": {"a": ":"}, "name": '), _KEY),
)  # fmt: skip

_FIELDS = (
    *(_top(f"{key} missing", lambda report, key=key: report.pop(key), _MISSING) for key in SIX),  # type: ignore[misc]  # a default binds the name.
    _top("predictions_count missing", lambda report: report.pop("predictions_count"), _MISSING),
    _top("metrics missing", lambda report: report.pop("metrics"), _MISSING),
    _top("compute mode missing", lambda report: report["metrics"].clear(), _MISSING),
    _top("results missing", lambda report: report.pop("results"), _MISSING),
    _top("no result", lambda report: report.update(results=[]), _WRONG),
    _top("results as an object", lambda report: report.update(results={}), _WRONG),
    *(_top(f"a result without {key}", lambda report, key=key: report["results"][1].pop(key), _MISSING) for key in SIX[:5]),  # type: ignore[misc]  # as above.
    _top("a misspelt field", lambda report: report.update(acuracy=0.9), _FIELD),
    _result("a misspelt field in a result", "acuracy", 0.9, _FIELD),
    _result("accuracy above one", "accuracy", 1.0001, _RANGE),
    _result("accuracy below zero", "accuracy", -0.01, _RANGE),
    _result("accuracy in percent", "accuracy", 84, _RANGE),
    _result("accuracy as text", "accuracy", "0.84", _WRONG),
    _result("accuracy true", "accuracy", YES, _WRONG),
    _result("accuracy null", "accuracy", None, _WRONG),
    _result("accuracy in a list", "accuracy", [0.84], _WRONG),
    _result("no sample", "samples_processed", 0, _RANGE),
    _result("fewer than no samples", "samples_processed", -1, _RANGE),
    _result("half a sample", "samples_processed", 99.5, _WRONG),
    _result("samples as text", "samples_processed", "100", _WRONG),
    _result("no duration", "duration_s", 0, _RANGE),
    _result("negative duration", "duration_s", -1.5, _RANGE),
    _result("duration with a unit", "duration_s", "12s", _WRONG),
    _result("unknown status", "status", "OK", _STATUS),
    _result("status in lower case", "status", "pass", _STATUS),
    _result("empty status", "status", "", _STATUS),
    _result("status true", "status", YES, _STATUS),
    _result("a hash that is none", "samples_hash", "abc", _WRONG),
    _result("an unknown measure", "measure", "guess", _WRONG),
    _top("empty name", lambda report: report.update(name=""), _WRONG),
    _top("a name of ten thousand letters", lambda report: report.update(name="x" * 10_000), _WRONG),
    _top("unknown version", lambda report: report.update(schema_version="9.9"), _VERSION),
    _top("version as a number", lambda report: report.update(schema_version=2.0), _VERSION),
    _top("version of words", lambda report: report.update(schema_version="latest"), _VERSION),
    _top("a seed that is text", lambda report: report["seeds"].update(python="0"), _WRONG),
    _top("a time without a zone", lambda report: report.update(started_at="2026-01-05T12:00:00"), _WRONG),
    _top("an older version with newer fields", lambda report: report.update(schema_version="1.1"), _FIELD),
)  # fmt: skip

CORRUPTIONS: tuple[Corruption, ...] = (*_FILES, *_FIELDS)
