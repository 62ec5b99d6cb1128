"""Migrations between report versions, up and down, as pure functions.

An upgrade loses nothing: fields that the newer version does not have are kept under ``extra``. A
downgrade refuses fields that the older version cannot represent, so that
``downgrade(migrate(report))`` equals the report.
"""

from collections.abc import Callable
from typing import Any

from trimtab.gates.errors import EvidenceUnreadable
from trimtab.gates.schema.versions import CURRENT, version_of

Report = dict[str, Any]
Step = Callable[[Report], Report]

_RESULT_FIELDS = (
    "name",
    "accuracy",
    "samples_processed",
    "predictions_count",
    "duration_s",
    "status",
)
UNDECLARED = "undeclared"
"""Value of `metrics.compute_mode` for 1.0 reports without one; the benchmark gate refuses it."""


def migrate(report: Report) -> Report:
    """Return the report in the current version, without changing the argument."""
    while (version := version_of(report)) != CURRENT["report"]:
        report = _UP[str(version)](report)
    return report


def downgrade(report: Report, version: str) -> Report:
    """Return the report in an older version.

    Raises:
        EvidenceUnreadable: The older version cannot represent the report.
    """
    while (present := version_of(report)) != version:
        step = _DOWN.get(str(present))
        if step is None:
            raise EvidenceUnreadable(f"A report of version {present} cannot become {version}.")
        report = step(report)
    return report


_KNOWN_1_0 = {*_RESULT_FIELDS, "schema_version", "metrics", "extra", "results"}
_OPTIONAL_1_0 = ("metrics", "predictions_count", "extra")


def _from_1_0(report: Report) -> Report:
    metrics = dict(report.get("metrics", {}))
    others = {key: value for key, value in report.items() if key not in _KNOWN_1_0}
    results = report.get("results")
    whole = bool(results) and all({*_RESULT_FIELDS} == set(result) for result in results or ())
    was = {
        "lacked": [key for key in _OPTIONAL_1_0 if key not in report],
        "compute_mode": "compute_mode" in metrics,
        "others": others,
        "results": None if whole or results is None else results,
    }
    metrics.setdefault("compute_mode", UNDECLARED)
    upper = {key: value for key, value in report.items() if key in _KNOWN_1_0 - {"results"}}
    upper |= {
        "schema_version": "1.1",
        # A 1.0 report may leave the count of predictions out; zero then fails the cross-check
        # instead of passing it.
        "predictions_count": report.get("predictions_count", 0),
        "metrics": metrics,
        "extra": {**report.get("extra", {}), "migrated_from_1_0": was},
    }
    return upper | ({"results": results} if whole else {})


def _to_1_0(report: Report) -> Report:
    extra = dict(report.get("extra", {}))
    was = extra.pop("migrated_from_1_0", None)
    beyond = [key for key in ("seeds", "environment") if key in report]
    if beyond:
        raise EvidenceUnreadable(f"Version 1.0 has no {beyond[0]!r}.")
    was = was or {
        "lacked": [] if extra else ["extra"],
        "compute_mode": True,
        "others": {},
        "results": None,
    }
    lower = {**report, "schema_version": "1.0", "metrics": dict(report["metrics"]), "extra": extra}
    if not was["compute_mode"]:
        del lower["metrics"]["compute_mode"]
    if was["results"] is not None:
        lower["results"] = was["results"]
    for key in was["lacked"]:
        del lower[key]
    return lower | dict(was["others"])


def _from_1_1(report: Report) -> Report:
    extra = dict(report.get("extra", {}))
    extra["migrated_from_1_1"] = {"results": "results" in report, "extra": "extra" in report}
    results = report.get("results") or [{key: report[key] for key in _RESULT_FIELDS}]
    upper = {
        **report,
        "schema_version": "2.0",
        "results": [dict(result) for result in results],
        "extra": extra,
    }
    seeds = report.get("seeds")
    if seeds is not None and not all(type(seed) is int and seed >= 0 for seed in seeds.values()):
        extra["seeds_1_1"] = upper.pop("seeds")
    return upper


def _to_1_1(report: Report) -> Report:
    extra = dict(report.get("extra", {}))
    was = extra.pop("migrated_from_1_1", {"results": True, "extra": bool(extra)})
    beyond = sorted(set(report) & {"started_at", "finished_at", "model", "source"})
    beyond += sorted({key for result in report["results"] for key in result} - set(_RESULT_FIELDS))
    if beyond:
        raise EvidenceUnreadable(f"Version 1.1 has no {beyond[0]!r}.")
    lower = {**report, "schema_version": "1.1", "extra": extra}
    if "seeds_1_1" in extra:
        lower["seeds"] = extra.pop("seeds_1_1")
    for key in ("results", "extra"):
        if not was[key]:
            del lower[key]
    return lower


_UP: dict[str, Step] = {"1.0": _from_1_0, "1.1": _from_1_1}
_DOWN: dict[str, Step] = {"1.1": _to_1_0, "2.0": _to_1_1}
STEPS: tuple[tuple[str, str], ...] = (("1.0", "1.1"), ("1.1", "2.0"))
"""Each migration step; the docs gate asks SCHEMA_MIGRATION_GUIDE for a heading about each."""
