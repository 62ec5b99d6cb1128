"""Checks of the benchmark gate: status, counts, log, seeds and proof."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from trimtab.gates.benchmark.prove import results_digest
from trimtab.gates.benchmark.stream import LogSummary, read_log
from trimtab.gates.case import UNUSABLE, Case
from trimtab.gates.codes import finding
from trimtab.gates.datasets import hash_file
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.records import Finding, GateResult, GateState, Severity
from trimtab.gates.schema.importers import FORMATS, import_file
from trimtab.gates.schema.migrate import UNDECLARED
from trimtab.gates.strictjson import parse
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.ids import sha256_hex

Result = Mapping[str, Any]
ROUNDING = 5e-4
"""Accuracies may be written with three decimals."""


def check(case: Case) -> GateResult:
    """Check the benchmark run behind the report."""
    if case.report is None:
        return GateResult("benchmark", GateState.SKIPPED, reason=UNUSABLE)
    found = [
        *_declared(case),
        *_totals(case.report),
        *_times(case.report),
        *_proof(case),
        *_source(case),
    ]
    logs = 0
    for index, result in enumerate(case.results()):
        path = f"$.results[{index}]"
        found += _result(case, result, path)
        log = _log_path(case, result)
        logs += log is not None
        found += _log(case, result, path, log)
    return GateResult(
        "benchmark", GateState.RAN, tuple(found), {"results": len(case.results()), "logs": logs}
    )


def _declared(case: Case) -> Iterator[Finding]:
    report = case.report or {}
    rules = case.policy.benchmark
    mode = report["metrics"]["compute_mode"]
    if mode == UNDECLARED:
        yield finding(
            "benchmark.compute_mode_missing", "$.metrics.compute_mode", "it is not declared"
        )
    elif mode not in rules.compute_modes:
        yield finding(
            "benchmark.compute_mode_unknown",
            "$.metrics.compute_mode",
            f"{mode!r} is not among {', '.join(rules.compute_modes)}",
        )
    strict = Severity.CRITICAL if rules.require_proof else None
    if not report.get("seeds"):
        yield finding(
            "benchmark.seed_missing",
            "$.seeds",
            "no seed is recorded",
            severity=strict or Severity.WARNING,
        )
    environment = report.get("environment", {})
    missing = [name for name in rules.environment if name not in environment]
    if missing:
        # An imported file comes from a tool that does not record them: worth a note, not a review.
        usual = Severity.LOW if "source" in report else Severity.WARNING
        yield finding(
            "benchmark.environment_missing",
            "$.environment",
            f"{', '.join(missing)} not recorded",
            severity=strict or usual,
        )
    for name in rules.environment:
        value = environment.get(name)
        if value is not None and not _fixed(name, str(value)):
            yield finding(
                "benchmark.environment_unfixed",
                f"$.environment.{name}",
                f"{value!r} does not fix anything",
            )


def _fixed(name: str, value: str) -> bool:
    return value.isdigit() and (name == "PYTHONHASHSEED" or int(value) >= 1)


def _totals(report: Mapping[str, Any]) -> Iterator[Finding]:
    results: list[Result] = report["results"]
    doubled = [name for name, times in Counter(r["name"] for r in results).items() if times > 1]
    if doubled:
        yield finding(
            "benchmark.name_doubled", "$.results", f"{doubled[0]!r} is reported more than once"
        )
    for key in ("samples_processed", "predictions_count"):
        total = sum(result[key] for result in results)
        if report[key] != total:
            yield finding(
                "benchmark.totals_mismatch",
                f"$.{key}",
                f"{report[key]}, the results add up to {total}",
            )
    samples = sum(result["samples_processed"] for result in results)
    weighted = sum(result["accuracy"] * result["samples_processed"] for result in results) / samples
    plain = sum(result["accuracy"] for result in results) / len(results)
    if min(abs(report["accuracy"] - weighted), abs(report["accuracy"] - plain)) > ROUNDING:
        yield finding(
            "benchmark.totals_mismatch",
            "$.accuracy",
            f"{report['accuracy']}, the results average {weighted:.6f}",
        )
    longest = max(result["duration_s"] for result in results)
    if (
        report["duration_s"] < longest * (1 - 1e-6)
        or report["duration_s"] > 1.001 * sum(r["duration_s"] for r in results) + 3600
    ):
        yield finding(
            "benchmark.totals_mismatch",
            "$.duration_s",
            f"{report['duration_s']} s does not fit the results",
        )
    if report["status"] == "PASS" and any(result["status"] != "PASS" for result in results):
        yield finding("benchmark.totals_mismatch", "$.status", "PASS, but a result is not")


def _times(report: Mapping[str, Any]) -> Iterator[Finding]:
    if not {"started_at", "finished_at"} <= set(report):
        return
    started, finished = (
        datetime.fromisoformat(report[key]) for key in ("started_at", "finished_at")
    )
    wall = (finished - started).total_seconds()
    longest = max(result["duration_s"] for result in report["results"])
    if wall < 0:
        yield finding("benchmark.clock_back", "$.finished_at", "the run ends before it starts")
    elif longest > wall + 1 or (wall > 10 and report["duration_s"] < wall / 100):
        yield finding(
            "benchmark.duration_impossible",
            "$.duration_s",
            f"the run took {wall:g} s by its clock, the durations say {report['duration_s']:g} s",
        )


def _result(case: Case, result: Result, path: str) -> Iterator[Finding]:
    name = result["name"]
    if result["status"] == "ERROR":
        yield finding(
            "benchmark.error_status", f"{path}.status", f"{name} has status ERROR{_faults(case)}"
        )
    elif result["status"] == "PARTIAL":
        yield finding("benchmark.partial_status", f"{path}.status", f"{name} has status PARTIAL")
    samples, predictions = result["samples_processed"], result["predictions_count"]
    if predictions != samples and result["status"] != "ERROR":
        yield finding(
            "benchmark.count_mismatch",
            f"{path}.predictions_count",
            f"{name}: predictions_count {predictions}, samples_processed {samples}",
        )
    hashes = {result[key] for key in ("samples_hash", "predictions_hash") if key in result}
    if len(hashes) == 2:
        yield finding(
            "benchmark.ids_mismatch",
            f"{path}.predictions_hash",
            f"{name}: other ids were predicted than read",
        )
    limit = case.policy.benchmark.timeouts_s.get(name, case.policy.benchmark.timeout_s)
    if result["duration_s"] > limit:
        yield finding(
            "benchmark.timeout",
            f"{path}.duration_s",
            f"{name} took {result['duration_s']:g} s, the limit is {limit:g} s",
        )
    throughput = result.get("throughput")
    if throughput is not None and abs(throughput * result["duration_s"] / samples - 1) > 0.05:
        yield finding(
            "benchmark.duration_impossible",
            f"{path}.duration_s",
            f"{name}: throughput, samples and duration do not fit each other",
        )


def _faults(case: Case) -> str:
    faults = (case.report or {}).get("extra", {}).get("faults", [])
    return f": {'; '.join(map(str, faults[:3]))}" if faults else ""


def _log_path(case: Case, result: Result) -> Path | None:
    named = result.get("log")
    if named is not None:
        return case.project.root / str(named["path"])
    usual = case.project.logs / f"{result['name']}.jsonl"
    return usual if "/" not in result["name"] and usual.is_file() else None


def _log(case: Case, result: Result, path: str, log: Path | None) -> Iterator[Finding]:
    if log is None:
        if case.policy.benchmark.require_log:
            yield finding("benchmark.log_missing", f"{path}.log", f"{result['name']} names no log")
        return
    root = case.project.root.resolve()
    if not log.resolve().is_relative_to(root) or not log.is_file():
        yield finding(
            "benchmark.log_missing",
            f"{path}.log",
            f"there is no log {result.get('log', {}).get('path')}",
        )
        return
    if "log" in result and hash_file(log) != result["log"]["sha256"]:
        yield finding(
            "benchmark.log_broken", f"{path}.log", "the log is not the one that the report names"
        )
    summary = read_log(log, log.resolve().relative_to(root).as_posix())
    yield from summary.findings
    yield from _compare(result, summary, path)


def _compare(result: Result, log: LogSummary, path: str) -> Iterator[Finding]:
    name = result["name"]
    if log.samples != log.predictions:
        yield finding(
            "benchmark.count_mismatch",
            path,
            f"{name}: the log holds {log.predictions} predictions for {log.samples} samples",
        )
    elif log.samples_hash != log.predictions_hash:
        yield finding(
            "benchmark.ids_mismatch", path, f"{name}: the log predicts other ids than it read"
        )
    for key, counted in (
        ("samples_processed", log.samples),
        ("predictions_count", log.predictions),
    ):
        if result[key] != counted:
            yield finding(
                "benchmark.log_mismatch",
                f"{path}.{key}",
                f"{name}: {result[key]}, the log holds {counted}",
            )
    if "samples_hash" in result and result["samples_hash"] != log.samples_hash:
        yield finding(
            "benchmark.ids_mismatch", f"{path}.samples_hash", f"{name}: the log read other samples"
        )
    if log.predictions and abs(result["accuracy"] - log.right / log.predictions) > ROUNDING:
        yield finding(
            "benchmark.log_mismatch",
            f"{path}.accuracy",
            f"{name}: {result['accuracy']}, the log gives {log.right / log.predictions:.6f}",
        )
    yield from _compare_result(result, log, path)


def _compare_result(result: Result, log: LogSummary, path: str) -> Iterator[Finding]:
    name = result["name"]
    stated = (log.result or {}).get("duration_s")
    if stated is not None and abs(result["duration_s"] / stated - 1) > 0.01:
        yield finding(
            "benchmark.log_mismatch",
            f"{path}.duration_s",
            f"{name}: {result['duration_s']:g} s, the log says {stated:g} s",
        )
    if log.result is None:
        yield finding("benchmark.log_broken", path, f"{name}: the log has no result")


def _proof(case: Case) -> Iterator[Finding]:
    path = case.project.proof
    if not path.is_file():
        if case.policy.benchmark.require_proof:
            yield finding("benchmark.proof_missing", path.name, "no second run is recorded")
        return
    parsed = parse(read_evidence(path))
    proof = parsed.value
    if parsed.findings or not isinstance(proof, dict):
        yield finding("benchmark.proof_missing", path.name, "the record cannot be read")
    elif proof.get("report_sha256") != sha256_hex(case.raw):
        yield finding("benchmark.proof_missing", path.name, "the second run was for another report")
    elif not proof.get("first") == proof.get("second") == results_digest(case.report or {}):
        yield finding("benchmark.not_reproduced", path.name, "the second run gave other results")


def _source(case: Case) -> Iterator[Finding]:
    """Compare the report with its source file, if present."""
    source = (case.report or {}).get("source")
    if source is None or source["format"] not in FORMATS or "/" in source["file"]:
        return
    path = case.project.root / source["file"]
    if not path.is_file():
        return
    if hash_file(path) != source["sha256"]:
        yield finding(
            "benchmark.log_mismatch", "$.source", f"{source['file']} changed after the import"
        )
        return
    try:
        again = import_file(path, source["format"]).report
    except TrimtabError as error:
        yield finding("benchmark.log_mismatch", "$.source", error.message)
        return
    mine = {result["name"]: result for result in case.results()}
    for result in again["results"]:
        for key in ("accuracy", "status", "samples_processed"):
            reported = mine.get(result["name"], {}).get(key)
            # The importer may supply counts; measurements must come from the source file.
            if (key in result or key == "accuracy") and reported != result.get(key):
                yield finding(
                    "benchmark.log_mismatch",
                    f"$.results.{result['name']}.{key}",
                    "differs from the source file",
                )
