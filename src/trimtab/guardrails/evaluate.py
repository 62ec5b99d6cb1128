"""Evaluates the guards on a labelled set; its fields determine the kind.

text + label (1 = attack): injection; context + claim + label (1 = supported): grounding;
text + spans: personal data. Metrics that need two classes are null for a set with only one.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from trimtab.guardrails.errors import BadEvaluationSet
from trimtab.guardrails.grounding.model import grounded
from trimtab.guardrails.injection.guard import question_margin
from trimtab.guardrails.measures import (
    auc,
    balanced_accuracy,
    calibration_error,
    false_positive_rate,
    recall,
)
from trimtab.guardrails.pii import STRUCTURED, PersonalData, find

Row = Mapping[str, object]
Report = dict[str, object]
Find = Callable[[str], tuple[PersonalData, ...]]
_SAME_TYPE = {"GPE": "LOCATION"}
"""Type names of public sets, with ours."""


def evaluate(folder: Path, find_personal_data: Find = find) -> Report:
    """Return the metrics of the set in ``folder/data.jsonl``.

    Args:
        folder: The folder of the set.
        find_personal_data: The detector that a set with spans evaluates.

    Raises:
        BadEvaluationSet: The file is missing, empty, malformed, or of an unknown kind.
    """
    rows = read(folder)
    fields = set(rows[0])
    measure: Callable[[Sequence[Row]], Report]
    if {"context", "claim", "label"} <= fields:
        measure = grounding
    elif {"text", "spans"} <= fields:
        measure = partial(personal_data, find=find_personal_data)
    elif {"text", "label"} <= fields:
        measure = injection
    else:
        raise BadEvaluationSet(
            f"{folder.name}: rows with {', '.join(sorted(fields))} are of no kind."
        )
    try:
        return measure(rows)
    except (KeyError, TypeError, ValueError) as error:
        raise BadEvaluationSet(f"{folder.name}: a row does not fit: {error!r}.") from error


def read(folder: Path) -> list[Row]:
    """Return the rows of the set, or raise `BadEvaluationSet`."""
    file = folder / "data.jsonl"
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise BadEvaluationSet(f"{file} cannot be read: {error}.") from error
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise BadEvaluationSet(f"{file} holds no rows.")
    return rows


def injection(rows: Sequence[Row]) -> Report:
    """Return the metrics of the injection classifier, applied as to questions."""
    labels = np.array([int(str(row["label"])) for row in rows])
    started = time.process_time()
    margins = np.array([question_margin(str(row["text"]))[0] for row in rows])
    cpu_ms = (time.process_time() - started) * 1000 / len(rows)
    flagged = margins > 0
    return {
        "kind": "injection",
        "n": len(rows),
        "auc": auc(labels, margins),
        "balanced_accuracy": balanced_accuracy(labels, flagged),
        "recall": recall(labels, flagged),
        "false_positive_rate": false_positive_rate(labels, flagged),
        "cpu_ms": round(cpu_ms, 3),
    }


def grounding(rows: Sequence[Row]) -> Report:
    """Return the metrics of the grounding model, with a threshold of 0.5."""
    labels = np.array([int(str(row["label"])) for row in rows])
    started = time.process_time()
    probabilities = np.array(
        [grounded(str(r["context"]), str(r["claim"]), str(r.get("question", ""))) for r in rows]
    )
    cpu_ms = (time.process_time() - started) * 1000 / len(rows)
    supported = probabilities > 0.5
    return {
        "kind": "grounding",
        "n": len(rows),
        "auc": auc(labels, probabilities),
        "balanced_accuracy": balanced_accuracy(labels, supported),
        "ece": calibration_error(labels, probabilities),
        "recall": recall(labels, supported),
        "false_positive_rate": false_positive_rate(labels, supported),
        "cpu_ms": round(cpu_ms, 3),
    }


def personal_data(rows: Sequence[Row], find: Find = find) -> Report:
    """Return precision and recall; type, start and end must match exactly."""
    started = time.process_time()
    found = [find(str(row["text"])) for row in rows]
    cpu_ms = (time.process_time() - started) * 1000 / len(rows)
    right: Counter[str] = Counter()
    false: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for row, findings in zip(rows, found, strict=True):
        labelled = {_span(span) for span in row["spans"]}  # type: ignore[attr-defined]
        ours = {(str(data.type), data.start, data.end) for data in findings}
        right.update(span[0] for span in labelled & ours)
        false.update(span[0] for span in ours - labelled)
        missed.update(span[0] for span in labelled - ours)
    labels = sorted(set(right) | set(missed) | set(false))
    structured = [label for label in labels if label in STRUCTURED]
    return {
        "kind": "pii",
        "n": len(rows),
        "structured": _scores(structured, right, false, missed),
        "all": _scores(labels, right, false, missed),
        "by_type": {label: _scores([label], right, false, missed) for label in labels},
        "cpu_ms": round(cpu_ms, 3),
    }


def _span(span: Mapping[str, object]) -> tuple[str, int, int]:
    kind = str(span["type"])
    return _SAME_TYPE.get(kind, kind), int(str(span["start"])), int(str(span["end"]))


def _scores(
    labels: Sequence[str], right: Counter[str], false: Counter[str], missed: Counter[str]
) -> dict[str, float | int | None]:
    hits, wrong, lost = (sum(count[label] for label in labels) for count in (right, false, missed))
    return {
        "precision": round(hits / (hits + wrong), 4) if hits + wrong else None,
        "recall": round(hits / (hits + lost), 4) if hits + lost else None,
        "f1": round(2 * hits / (2 * hits + wrong + lost), 4) if hits + wrong + lost else None,
        "n": hits + lost,
    }
