"""Importer of MLPerf training logs (``:::MLLOG`` lines).

A run that did not finish has status ERROR. A run passes when it started once, stopped once with
status ``success``, evaluated in order, and its last evaluation reached the quality target of the
closed division (training rules 5.1.0). For benchmarks whose ``eval_accuracy`` is a loss in nats the
report's accuracy is exp(-loss), the mean probability of the right token, marked ``derived``.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from trimtab.gates.errors import ImportRefused
from trimtab.gates.schema.importers.imported import ImportedReport, StatedValues, totals
from trimtab.gates.strictjson import parse

MARK = b":::MLLOG"
TARGETS: dict[str, tuple[float, bool]] = {
    "bert": (0.72, True),
    "dlrm_dcnv2": (0.80275, True),
    "flux1": (0.586, False),
    "llama2_70b_lora": (0.925, False),
    "llama31_405b": (5.6, False),
    "llama31_8b": (3.3, False),
    "retinanet": (0.340, True),
    "rgat": (0.72, True),
}
"""Benchmark to its quality target and whether higher is better (mlcommons/logging, training_5.1.0,
closed).
"""
ONCE = (
    "run_start",
    "run_stop",
    "submission_benchmark",
    "seed",
    "eval_samples",
    "global_batch_size",
)
PAIRS = (("block_start", "block_stop"), ("epoch_start", "epoch_stop"), ("eval_start", "eval_stop"))
LIFE = ("run_", "block_", "epoch_", "eval_st", "eval_acc")
"""Beginnings of the keys that one process writes in order; other keys come from many ranks, in any
order.
"""


@dataclass(frozen=True, slots=True)
class _Event:
    key: str
    time_ms: int
    value: Any
    metadata: Mapping[str, Any]
    line: int


def from_mlperf(raw: bytes, stated: StatedValues) -> ImportedReport:
    """Convert a training log to a report.

    Raises:
        ImportRefused: The log has no MLLOG line, or does not name the benchmark.
    """
    faults: list[str] = []
    events = list(_events(raw, faults))
    if not events and not faults:
        raise ImportRefused("No line begins with `:::MLLOG`.")
    first = {event.key: event for event in reversed(events)}
    benchmark = first.get("submission_benchmark")
    if benchmark is None:
        raise ImportRefused("The log names no benchmark (`submission_benchmark`).")
    name = str(benchmark.value)
    faults += _faults(events, first, name)
    result = _result(name, events, first, faults)
    seed = first["seed"].value if "seed" in first else stated.seed
    report = {
        "schema_version": "2.0",
        "name": _run_name(first, name),
        **totals([result]),
        "metrics": {"compute_mode": stated.compute_mode or "gpu"},
        "results": [result],
        "seeds": {"seed": seed} if type(seed) is int and seed >= 0 else {},
        "extra": {"faults": faults} if faults else {},
    }
    missing = [
        f"$.results[0].{key}"
        for key in ("accuracy", "samples_processed", "duration_s")
        if key not in result
    ]
    return ImportedReport(
        report,
        tuple(missing),
        () if stated.compute_mode else ("metrics.compute_mode (accelerators)",),
    )


def _events(raw: bytes, faults: list[str]) -> Iterator[_Event]:
    for number, line in enumerate(raw.split(b"\n"), start=1):
        start = line.find(MARK)
        if start < 0:
            continue
        parsed = parse(line[start + len(MARK) :].strip())
        data = parsed.value
        if parsed.findings or not isinstance(data, dict) or not {"key", "time_ms"} <= set(data):
            faults.append(f"line {number} is not a whole MLLOG record")
            continue
        if type(data["time_ms"]) is not int:
            faults.append(f"line {number} states no time in milliseconds")
            continue
        stated = data.get("metadata")
        metadata = stated if isinstance(stated, dict) else {}
        yield _Event(str(data["key"]), data["time_ms"], data.get("value"), metadata, number)


def _faults(events: list[_Event], first: Mapping[str, _Event], name: str) -> list[str]:
    counts = Counter(event.key for event in events)
    found = [
        f"{key} occurs {counts[key]} times"
        for key in ONCE
        if counts[key] > 1 and not _agree(events, key)
    ]
    found += [
        f"{key} is missing" for key in ("run_start", "run_stop", "eval_samples") if not counts[key]
    ]
    found += [
        f"{start} {counts[start]} times, {stop} {counts[stop]} times"
        for start, stop in PAIRS
        if not _paired(counts, start, stop)
    ]
    if counts["eval_accuracy"] < 1:
        found.append("no evaluation result (eval_accuracy)")
    if counts["eval_accuracy"] != counts["eval_stop"]:
        found.append(
            f"{counts['eval_accuracy']} evaluation results for {counts['eval_stop']} evaluations"
        )
    stop = first.get("run_stop")
    if stop is not None and stop.metadata.get("status") != "success":
        found.append(f"run_stop has status {stop.metadata.get('status')!r}")
    return found + _order_faults(events, first) + _target_faults(events, name)


def _agree(events: list[_Event], key: str) -> bool:
    """Return whether a repeated key always has the same value.

    Each rank may log a setting; start and stop must not repeat.
    """
    if key in ("run_start", "run_stop"):
        return False
    return len({repr(event.value) for event in events if event.key == key}) == 1


def _paired(counts: Mapping[str, int], start: str, stop: str) -> bool:
    open_at_end = counts[start] - counts[stop]
    # A run may stop inside its last epoch or block: the target was reached there.
    return open_at_end == 0 or (open_at_end == 1 and start != "eval_start")


def _order_faults(events: list[_Event], first: Mapping[str, _Event]) -> list[str]:
    found = []
    life = [event for event in events if event.key.startswith(LIFE)]
    for earlier, later in pairwise(life):
        if later.time_ms < earlier.time_ms:
            found.append(f"the clock goes back at line {later.line}")
            break
    keys = [event.key for event in life if event.key.startswith("eval_")]
    if any(key == "eval_stop" and "eval_start" not in keys[:at] for at, key in enumerate(keys)):
        found.append("an evaluation stops before one starts")
    start, stop = first.get("run_start"), first.get("run_stop")
    if start is None or stop is None:
        return found
    if stop.time_ms <= start.time_ms or stop.line < start.line:
        found.append("the run stops before it starts")
    outside = [e for e in _evaluations(events) if not start.line < e.line < stop.line]
    if outside:
        found.append(f"an evaluation lies outside the run, at line {outside[0].line}")
    progress = [_progress(event) for event in _evaluations(events)]
    known = [value for value in progress if value is not None]
    if any(later < earlier for earlier, later in pairwise(known)):
        found.append("evaluations are out of order")
    return found


def _target_faults(events: list[_Event], name: str) -> list[str]:
    scores = [event.value for event in _evaluations(events)]
    if not scores:
        return []
    if not all(type(score) in (int, float) and math.isfinite(score) for score in scores):
        return ["an evaluation result is not a number"]
    if name not in TARGETS:
        return [f"{name} has no quality target in the rules 5.1.0"]
    target, higher = TARGETS[name]
    reached = scores[-1] >= target if higher else 0 < scores[-1] <= target
    return [] if reached else [f"the last evaluation {scores[-1]} misses the target {target}"]


def _evaluations(events: Iterable[_Event]) -> list[_Event]:
    return [event for event in events if event.key == "eval_accuracy"]


def _progress(event: _Event) -> float | None:
    for key in ("samples_count", "epoch_num"):
        value = event.metadata.get(key)
        if isinstance(value, int | float):
            return float(value)
    return None


def _result(
    name: str, events: list[_Event], first: Mapping[str, _Event], faults: list[str]
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "name": name,
        "benchmark": f"mlperf_{name}"[:200],
        "status": "ERROR" if faults else "PASS",
    }
    for event in _evaluations(events)[-1:]:
        if isinstance(event.value, int | float):
            result |= _score(name, float(event.value))
    samples = first["eval_samples"].value if "eval_samples" in first else None
    if type(samples) is int and samples > 0:
        result |= {"samples_processed": samples, "predictions_count": 0 if faults else samples}
    if "run_start" in first and "run_stop" in first:
        seconds = (first["run_stop"].time_ms - first["run_start"].time_ms) / 1000
        if seconds > 0:
            result["duration_s"] = seconds
    return result


def _score(name: str, value: float) -> dict[str, Any]:
    target, higher = TARGETS.get(name, (math.nan, True))
    score: dict[str, Any] = {"metric": "eval_accuracy", "value": value, "higher_is_better": higher}
    if math.isfinite(target):
        score["target"] = target
    if higher and 0 <= value <= 1:
        return {"accuracy": value, "measure": "mean", "score": score}
    if not higher and value >= 0:
        return {"accuracy": math.exp(-value), "measure": "derived", "score": score}
    return {"score": score}


def _run_name(first: Mapping[str, _Event], name: str) -> str:
    parts = [first[key].value for key in ("submission_org", "submission_platform") if key in first]
    return " ".join([*(str(part) for part in parts if part), name])[:200]
