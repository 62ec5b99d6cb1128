"""Measures the guards on a folder of labelled texts; the kind of set is told from its fields.

text + label (1 = attack) -> injection; context + claim + label (1 = supported) -> grounding; text + spans -> personal
data. A set with one class only gives null for what it cannot give.
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
from trimtab.guardrails.injection.guard import query_margin
from trimtab.guardrails.measures import (
    auc,
    balanced_accuracy,
    calibration_error,
    false_positive_rate,
    recall,
)
from trimtab.guardrails.pii import STRUCTURED, PersonalData, find
from trimtab.text.normalise import normalise

Row = Mapping[str, object]
Report = dict[str, object]
Find = Callable[[str], tuple[PersonalData, ...]]
_SAME_TYPE = {"GPE": "LOCATION"}
"""What sets call a type of ours."""


def evaluate(folder: Path, find_personal_data: Find = find) -> Report:
    """Return the report of the set in ``folder/data.jsonl``.

    Args:
        folder: Holds the set.
        find_personal_data: What a set with spans measures.

    Raises:
        BadEvaluationSet: The file is missing, empty, malformed, or of no known kind.
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
    """Return the rows, or raise `BadEvaluationSet`."""
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
    """Score each text as a question would be."""
    labels = np.array([int(str(row["label"])) for row in rows])
    started = time.process_time()
    margins = np.array([query_margin(normalise(str(row["text"]))) for row in rows])
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
    """Score each claim; supported above 0.5, which is what a calibrated score means."""
    labels = np.array([int(str(row["label"])) for row in rows])
    started = time.process_time()
    chances = np.array(
        [grounded(str(r["context"]), str(r["claim"]), str(r.get("question", ""))) for r in rows]
    )
    cpu_ms = (time.process_time() - started) * 1000 / len(rows)
    supported = chances > 0.5
    return {
        "kind": "grounding",
        "n": len(rows),
        "auc": auc(labels, chances),
        "balanced_accuracy": balanced_accuracy(labels, supported),
        "ece": calibration_error(labels, chances),
        "recall": recall(labels, supported),
        "false_positive_rate": false_positive_rate(labels, supported),
        "cpu_ms": round(cpu_ms, 3),
    }


def personal_data(rows: Sequence[Row], find: Find = find) -> Report:
    """Compare findings with the labelled spans; a finding counts when type, start and end are exact."""
    started = time.process_time()
    found = [find(str(row["text"])) for row in rows]
    cpu_ms = (time.process_time() - started) * 1000 / len(rows)
    right: Counter[str] = Counter()
    false: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for row, findings in zip(rows, found, strict=True):
        labelled = {_span(span) for span in row["spans"]}  # type: ignore[attr-defined]
        ours = {(data.type.value, data.start, data.end) for data in findings}
        right.update(span[0] for span in labelled & ours)
        false.update(span[0] for span in ours - labelled)
        missed.update(span[0] for span in labelled - ours)
    labels = sorted(set(right) | set(missed) | set(false))
    structured = [label for label in labels if label in STRUCTURED]
    return {
        "kind": "pii",
        "n": len(rows),
        "structured": _figures(structured, right, false, missed),
        "all": _figures(labels, right, false, missed),
        "by_type": {label: _figures([label], right, false, missed) for label in labels},
        "cpu_ms": round(cpu_ms, 3),
    }


def _span(span: Mapping[str, object]) -> tuple[str, int, int]:
    kind = str(span["type"])
    return _SAME_TYPE.get(kind, kind), int(str(span["start"])), int(str(span["end"]))


def _figures(
    labels: Sequence[str], right: Counter[str], false: Counter[str], missed: Counter[str]
) -> dict[str, float | int | None]:
    hits, wrong, lost = (sum(count[label] for label in labels) for count in (right, false, missed))
    return {
        "precision": round(hits / (hits + wrong), 4) if hits + wrong else None,
        "recall": round(hits / (hits + lost), 4) if hits + lost else None,
        "f1": round(2 * hits / (2 * hits + wrong + lost), 4) if hits + wrong + lost else None,
        "n": hits + lost,
    }
