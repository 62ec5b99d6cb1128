"""Starts a retraining from validated feedback; a person decides whether its candidate serves.

The operations handbook calls `model_updater.update_models(feedback_batch)` when 50 reviewed rows
are there. Nothing here changes what serves: the candidate is compared, and waits for approval.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.models.retraining.records import Retraining
from trimtab.models.retraining.service import Retrainings
from trimtab.models.trained.errors import TrainingDataInvalid

BATCH_ROWS = 50
"""Validated rows of one model that start a candidate."""


@dataclass(frozen=True, slots=True)
class ValidatedRow:
    """One row that a reviewer has confirmed or corrected."""

    model: str
    inputs: Mapping[str, Any]
    """As the prediction got them."""
    label: str
    """The class by the reviewer."""


@dataclass(frozen=True, slots=True)
class ModelUpdate:
    """Result of one batch of validated rows."""

    started: tuple[Retraining, ...]
    too_few: Mapping[str, int]
    """Rows of each model with less than 50 of them; they stay with the caller."""


class ModelUpdater:
    """Retrains models on their training file and the validated rows.

    Args:
        retrainings: Train, compare and ask a person.
        data: The folder with the training files, ``NAME.csv`` or ``NAME.jsonl``; only read.
    """

    def __init__(self, retrainings: Retrainings, data: Path) -> None:
        self._retrainings, self._data = retrainings, data

    def update_models(self, batch: Sequence[ValidatedRow], actor: str) -> ModelUpdate:
        """Start one retraining for each model with at least 50 rows in the batch.

        Raises:
            NotTrainable: There is no training for a model of the batch.
            TrainingDataInvalid: A row lacks a column or has an unknown class, or a model has no
                training file. Nothing is started then.
        """
        by_model: dict[str, list[ValidatedRow]] = defaultdict(list)
        for row in batch:
            by_model[row.model].append(row)
        full = {name: rows for name, rows in sorted(by_model.items()) if len(rows) >= BATCH_ROWS}
        # All files before the first start, so that a wrong row starts nothing.
        files = {name: extended_data(name, self._data, rows) for name, rows in full.items()}
        started = [
            self._retrainings.start(
                name, content, f"{len(full[name])} validated rows of feedback", actor
            )
            for name, content in files.items()
        ]
        too_few = {name: len(rows) for name, rows in by_model.items() if name not in full}
        return ModelUpdate(tuple(started), too_few)


def extended_data(name: str, data: Path, rows: Sequence[ValidatedRow]) -> bytes:
    """Return the training file of a model with validated rows at its end, as the newest."""
    source = _training_file(name, data)
    text = source.read_text(encoding="utf-8").rstrip("\n")
    lines = _tabular(name, text, rows)
    added = _texts(name, rows) if lines is None else lines
    return ("\n".join([text, *added]) + "\n").encode()


def _training_file(name: str, data: Path) -> Path:
    for suffix in (".csv", ".jsonl"):
        if (file := data / f"{name}{suffix}").is_file():
            return file
    raise TrainingDataInvalid(
        f"{data} has no training file of {name}.",
        hint=f"Put {name}.csv or {name}.jsonl there; `models.retraining_data` names the folder.",
    )


def _tabular(name: str, text: str, rows: Sequence[ValidatedRow]) -> list[str] | None:
    """Return the lines of rows of a table, in the form of the file; None for another model."""
    from trimtab.models.trained import credit, fraud

    task = {task.name: task for task in (fraud.TASK, credit.TASK)}.get(name)
    if task is None:
        return None
    codes = {label: code for code, label in task.classes.items()}
    header = text.partition("\n")[0].rstrip("\r").split(",")
    lines: list[str] = []
    for row in rows:
        numbers = [row.inputs.get(column) for column in task.columns]
        is_whole = all(isinstance(number, int | float) for number in numbers)
        if row.label not in codes or not is_whole:
            raise TrainingDataInvalid(
                f"A validated row of {name} lacks a number or has an unknown class."
            )
        values = {**dict(zip(task.columns, numbers, strict=True)), task.target: codes[row.label]}
        if text.startswith("{"):
            lines.append(json.dumps(values))
        else:
            lines.append(",".join(str(values.get(column, 0)) for column in header))
    return lines


def _texts(name: str, rows: Sequence[ValidatedRow]) -> list[str]:
    from trimtab.models.trained.sentiment.model import CLASSES, TEXT_COLUMN
    from trimtab.models.trained.sentiment.training import NAME

    if name != NAME:
        raise TrainingDataInvalid(
            f"{name} cannot be retrained with validated rows.",
            hint="Label statements and tones, and train it with `models train`.",
        )
    lines: list[str] = []
    for row in rows:
        text = row.inputs.get(TEXT_COLUMN)
        if not isinstance(text, str) or row.label not in CLASSES:
            raise TrainingDataInvalid(f"A validated row of {name} lacks a text or a class.")
        lines.append(json.dumps({"text": text, "label": row.label}))
    return lines
