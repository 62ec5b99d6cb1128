"""Checks a document against its schema and returns findings."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import jsonschema_rs

from trimtab.gates.codes import finding
from trimtab.gates.records import Finding
from trimtab.gates.schema.migrate import migrate
from trimtab.gates.schema.versions import CURRENT, available, validator, version_of
from trimtab.gates.strictjson import parse

MAX_FINDINGS = 100
"""A file that is wrong throughout is described by its first hundred faults."""

_FIELD_FIX = {
    "name": "Add the benchmark's `name` as text.",
    "accuracy": "accuracy must be a float from 0 to 1 (a fraction, not a percentage).",
    "samples_processed": "samples_processed must be a whole number > 0.",
    "predictions_count": "predictions_count must be a whole number, equal to samples_processed.",
    "duration_s": "duration_s must be a number > 0, in seconds.",
    "status": 'status must be "PASS", "PARTIAL" or "ERROR".',
    "schema_version": (
        "Add `schema_version`; `ls schemas/` or `trimtab gates schemas` lists the versions."
    ),
    "compute_mode": "Add `metrics.compute_mode`, such as cpu or gpu.",
    "metrics": "Add `metrics` with `compute_mode`.",
}
_RANGE_RULES = {"Minimum", "Maximum", "ExclusiveMinimum", "ExclusiveMaximum"}


@dataclass(frozen=True, slots=True)
class CheckedReport:
    """Result of the schema gate for a report."""

    report: dict[str, object] | None
    """The report in the current version; None when it is not usable."""
    findings: tuple[Finding, ...]
    version: str | None


def check_report(raw: bytes) -> CheckedReport:
    """Check a benchmark report and migrate it to the current version."""
    parsed = parse(raw)
    if parsed.findings or not isinstance(parsed.value, dict):
        found = parsed.findings or (
            finding("schema.invalid_json", "$", "a report is a JSON object"),
        )
        return CheckedReport(None, found, None)
    document = parsed.value
    version = version_of(document)
    if "schema_version" in document and version not in available("report"):
        return CheckedReport(None, (_unknown_version(document["schema_version"], "report"),), None)
    wrong = check_document("report", document, version or CURRENT["report"])
    if wrong:
        return CheckedReport(None, wrong, version)
    old = version != CURRENT["report"]
    notes = (
        finding(
            "schema.old_version", "$.schema_version", f"{version}, current is {CURRENT['report']}"
        ),
    )
    return CheckedReport(migrate(document), notes if old else (), version)


def check_document(kind: str, document: object, version: str | None = None) -> tuple[Finding, ...]:
    """Return the schema findings of a parsed document.

    Args:
        kind: report, baseline, manifest or verdict.
        document: The parsed JSON.
        version: Schema version; by default the one that the document states.
    """
    checked_version = version or version_of(document)
    if checked_version not in available(kind):
        stated = document.get("schema_version") if isinstance(document, dict) else None
        return (_unknown_version(stated, kind),)
    compiled = validator(kind, checked_version)
    if compiled.is_valid(_normal(document, checked_version)):
        return ()
    errors = islice(compiled.iter_errors(_normal(document, checked_version)), MAX_FINDINGS)
    return tuple(_finding(error) for error in errors)


def _normal(document: object, version: str) -> object:
    """Return the document with its version's patch number removed."""
    if isinstance(document, dict) and document.get("schema_version") not in (None, version):
        return {**document, "schema_version": version}
    return document


def _unknown_version(stated: object, kind: str) -> Finding:
    versions = ", ".join(available(kind))
    return finding(
        "schema.unknown_version", "$.schema_version", f"{stated!r} is not one of {versions}"
    )


def _finding(error: jsonschema_rs.ValidationError) -> Finding:
    rule = type(error.kind).__name__
    path = json_path(error.instance_path)
    if rule == "Required":
        field = str(getattr(error.kind, "property", ""))
        return finding(
            "schema.required_missing",
            f"{path}.{field}",
            path_of(path, field),
            fix=_FIELD_FIX.get(field, ""),
        )
    field = str(error.instance_path[-1]) if error.instance_path else ""
    message = _short(error.message)
    if rule in _RANGE_RULES:
        return finding(
            "schema.out_of_range", path, f"{path}: {message}", fix=_FIELD_FIX.get(field, "")
        )
    if rule == "Enum" and field == "status":
        return finding("schema.invalid_status", path, f"{path}: {message}")
    if rule == "AdditionalProperties":
        return finding("schema.unknown_field", path, f"{path}: {message}")
    return finding(
        "schema.invalid", path, f"{path}: {message} ({rule})", fix=_FIELD_FIX.get(field, "")
    )


def path_of(parent: str, field: str) -> str:
    """Return the field's path without the leading ``$.``."""
    return f"{parent}.{field}".removeprefix("$.")


def json_path(parts: Iterable[str | int]) -> str:
    """Return ``$.results[3].accuracy`` for ``["results", 3, "accuracy"]``."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


def _short(message: str) -> str:
    return message if len(message) <= 300 else message[:297] + "..."
