"""Importer of lm-evaluation-harness results: current, old (v0) and BigScience formats.

A task's accuracy is its first metric that is a fraction of right answers; a perplexity or loss
becomes the mean probability per unit (1 / perplexity), marked ``derived``. A metric that the file
names without a usable number (null, a text, out of range) is a failed measurement: the task gets
status ERROR and no accuracy, and no other metric or filter takes its place. The old formats state
no sample count: for a proportion p with standard error s it follows from s^2 = p (1 - p) / (n - 1),
and is accepted only if p * n is then a whole number.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.gates.errors import ImportRefused
from trimtab.gates.schema.importers.imported import ImportedReport, StatedValues, totals
from trimtab.gates.schema.migrate import UNDECLARED
from trimtab.gates.strictjson import parse

PROPORTIONS = ("acc", "exact_match", "pass@1", "pass_at_1", "acc_norm", "em", "mc1", "exact", "prompt_level_strict_acc", "contains", "accuracy")  # fmt: skip
MEANS = ("f1", "mc2", "parity", "rougeL", "rouge1", "bleu acc", "bleurt acc", "rouge1 acc", "pct_stereotype", "score", "token_set_ratio", "chrf", "bleu")  # fmt: skip
INVERSES = ("word_perplexity", "ppl", "perplexity", "byte_perplexity")
PERCENT = {"exact", "HasAns_exact", "bleu", "chrf"}
"""Metrics that some tasks state from 0 to 100; above 1 they are divided by 100."""
Task = Mapping[str, Any]


def from_lm_eval(raw: bytes, stated: StatedValues) -> ImportedReport:
    """Convert a results file to a report.

    Raises:
        ImportRefused: The file is not a JSON document with a ``results`` mapping.
    """
    parsed = parse(raw)
    if parsed.findings:
        first = parsed.findings[0]
        raise ImportRefused(f"{first.message} at {first.path}", hint=first.fix)
    document = parsed.value
    if not isinstance(document, dict) or not isinstance(document.get("results"), dict):
        raise ImportRefused("An lm-eval results file holds a mapping `results`.")
    counted = _mapping(document, "n-samples") or document["results"]
    groups = set(_mapping(document, "group_subtasks")) - set(counted)
    tasks = {name: task for name, task in _tasks(document["results"]) if name not in groups}
    if not tasks:
        raise ImportRefused("The results are empty.")
    derived: set[str] = set()
    faults: list[str] = []
    results = [
        _result(name, task, document, stated, (derived, faults)) for name, task in tasks.items()
    ]
    _share_duration(results, _duration(document, stated), derived)
    report = {
        "schema_version": "2.0",
        "name": _model(document),
        **totals(results),
        "metrics": {"compute_mode": stated.compute_mode or _compute_mode(document)},
        "results": results,
        "seeds": _seeds(document, stated),
        "extra": _extra(document, groups) | ({"faults": faults} if faults else {}),
    }
    return ImportedReport(report, tuple(_missing(report)), tuple(sorted(derived)))


def _tasks(results: Mapping[str, Any]) -> Iterator[tuple[str, Task]]:
    """Yield each task of the file.

    BigScience files nest tasks as task+prompt -> date -> metrics.
    """
    for name, task in results.items():
        if not isinstance(task, dict):
            raise ImportRefused(f"The result of {name!r} is not a mapping.")
        runs = {key: run for key, run in task.items() if isinstance(run, dict)}
        if runs:
            yield from ((f"{name} {key}"[:200], run) for key, run in runs.items())
        else:
            yield name, task


def _result(
    name: str,
    task: Task,
    document: Mapping[str, Any],
    stated: StatedValues,
    notes: tuple[set[str], list[str]],
) -> dict[str, Any]:
    derived, faults = notes
    metrics = _metrics(task)
    picked, fault = _main_metric(metrics, task)
    result: dict[str, Any] = {"name": name, "status": "PASS"}
    counted, count_fault = _sample_count(document, name)
    if (counted is not None and counted.partial) or _config(document).get("limit") is not None:
        result["status"] = "PARTIAL"
    wrong = [f"$.results.{name}{text}" for text in (fault,) if text]
    wrong += [f"$.n-samples.{name}{text}" for text in (count_fault,) if text]
    if wrong:
        faults += wrong
        result["status"] = "ERROR"
    if picked is not None:
        result |= picked
    samples = counted.effective if counted else stated.samples
    if not samples and picked and (samples := samples_from_stderr(picked)):
        derived.add("samples_processed (from stderr)")
    if samples:
        result |= {"samples_processed": samples, "predictions_count": samples}
    result["metrics"] = {key: value for key, value in metrics.items() if math.isfinite(value)}
    return result


def _metrics(task: Task) -> dict[str, float]:
    numbers = {
        k: v for k, v in task.items() if isinstance(v, int | float) and not isinstance(v, bool)
    }
    return {key: float(value) for key, value in numbers.items()}


@dataclass(frozen=True, slots=True)
class _SampleCount:
    """Number of evaluated samples of a task, and whether some are missing."""

    effective: int
    partial: bool


def _sample_count(document: Mapping[str, Any], name: str) -> tuple[_SampleCount | None, str]:
    """Return a task's sample count, if stated, and an error message."""
    if name not in _mapping(document, "n-samples"):
        return None, ""
    stated = _mapping(document, "n-samples")[name]
    if not isinstance(stated, dict):
        return None, f" is {_format_value(stated)}, not a mapping"
    effective, original = stated.get("effective"), stated.get("original")
    if type(effective) is not int or effective < 1:
        return None, f".effective is {_format_value(effective)}, not a count"
    if original is not None and (type(original) is not int or original < effective):
        return None, f".original is {_format_value(original)}, not a count of at least {effective}"
    return _SampleCount(effective, original is not None and original != effective), ""


def _format_value(value: object) -> str:
    return json.dumps(value, default=str)[:60]


def _main_metric(metrics: Mapping[str, float], task: Task) -> tuple[dict[str, Any] | None, str]:
    """Return values of the main metric, or the reason for none.

    The values are accuracy, measure, score and stderr.

    The main metric is the first of the known names that the task has, with its first filter. When
    its value is not a usable number, no other filter or metric is used instead, because that could
    be higher.
    """
    by_name: dict[str, str] = {}
    for key in task:
        by_name.setdefault(str(key).partition(",")[0], str(key))
    known = [(name, "proportion") for name in PROPORTIONS]
    known += [(name, "mean") for name in MEANS] + [(name, "derived") for name in INVERSES]
    for name, measure in known:
        key = by_name.get(name, "")
        if not key:
            continue
        if key not in metrics:
            return None, f".{key} is {_format_value(task[key])}, not a number"
        scale = 100.0 if name in PERCENT and metrics[key] > 1 else 1.0
        accuracy = _as_accuracy(metrics[key] / scale, measure)
        if accuracy is not None:
            measured = measure if scale == 1 else "mean"
            return _picked(metrics, key, accuracy, measured), ""
        if measure == "proportion":
            return None, f".{key} is {metrics[key]:g}, not a fraction of right answers"
    return None, " has no metric that says how many answers were right"


def _as_accuracy(value: float, measure: str) -> float | None:
    """Return a metric as a number from 0 to 1; None if impossible."""
    if measure == "derived":
        return 1 / value if value >= 1 else None
    return value if 0 <= value <= 1 else None


def _picked(
    metrics: Mapping[str, float], key: str, accuracy: float, measure: str
) -> dict[str, Any]:
    metric, _, filtered = key.partition(",")
    stderr = metrics.get(f"{metric}_stderr,{filtered}" if filtered else f"{metric}_stderr")
    picked: dict[str, Any] = {
        "accuracy": accuracy,
        "measure": measure,
        "score": {"metric": key, "value": metrics[key], "higher_is_better": measure != "derived"},
    }
    if measure == "proportion" and stderr is not None and 0 <= stderr <= 1:
        picked["stderr"] = stderr
    return picked


def samples_from_stderr(picked: Mapping[str, Any]) -> int | None:
    """Return the sample count implied by the standard error, if unique."""
    accuracy, stderr = picked["accuracy"], picked.get("stderr")
    if picked["measure"] != "proportion" or not stderr or not 0 < accuracy < 1:
        return None
    try:
        samples = round(accuracy * (1 - accuracy) / stderr**2 + 1)
    except (ZeroDivisionError, OverflowError):
        return None
    right = accuracy * samples
    return samples if abs(right - round(right)) < 1e-6 * samples else None


def _duration(document: Mapping[str, Any], stated: StatedValues) -> float | None:
    if stated.duration_s is not None:
        return stated.duration_s
    try:
        total = float(document.get("total_evaluation_time_seconds") or 0)
        total = total or float(document["end_time"]) - float(document["start_time"])
    except (KeyError, TypeError, ValueError):
        return None
    return total if total > 0 and math.isfinite(total) else None


def _share_duration(results: list[dict[str, Any]], total: float | None, derived: set[str]) -> None:
    """Divide the duration of the run among the results, by samples."""
    if total is None:
        return
    samples = sum(result.get("samples_processed", 0) for result in results)
    if len(results) > 1:
        derived.add("results[].duration_s (share of the run)")
    for result in results:
        share = result.get("samples_processed", 0) / samples if samples else 1 / len(results)
        result["duration_s"] = total * share


def _config(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(document, "config")


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _compute_mode(document: Mapping[str, Any]) -> str:
    device = str(_config(document).get("device") or "")
    if device.startswith(("cuda", "mps", "xpu", "gpu")):
        return "gpu"
    if device.startswith("cpu"):
        return "cpu"
    if re.search(r"Is CUDA available: True", str(document.get("pretty_env_info", ""))):
        return "gpu"
    return UNDECLARED


def _seeds(document: Mapping[str, Any], stated: StatedValues) -> dict[str, int]:
    names = ("random_seed", "numpy_seed", "torch_seed", "fewshot_seed", "seed")
    found = {name: _config(document).get(name) for name in names}
    seeds = {name: seed for name, seed in found.items() if type(seed) is int and seed >= 0}
    return seeds | ({"stated": stated.seed} if stated.seed is not None else {})


def _model(document: Mapping[str, Any]) -> str:
    name = document.get("model_name") or _config(document).get("model_args") or "lm-eval"
    return str(name)[:200]


def _extra(document: Mapping[str, Any], groups: set[str]) -> dict[str, Any]:
    keys = ("versions", "git_hash", "transformers_version", "task_hashes", "n-shot")
    kept = {key: document[key] for key in keys if document.get(key)}
    grouped = {
        name: document["results"][name] for name in sorted(groups & set(document["results"]))
    }
    return kept | ({"groups": grouped} if grouped else {})


def _missing(report: Mapping[str, Any]) -> Iterator[str]:
    for index, result in enumerate(report["results"]):
        for key in ("accuracy", "samples_processed", "duration_s"):
            if key not in result:
                yield f"$.results[{index}].{key}"
    if report["metrics"]["compute_mode"] == UNDECLARED:
        yield "$.metrics.compute_mode"
    if not report["seeds"]:
        yield "$.seeds"
