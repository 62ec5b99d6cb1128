"""Starts a candidate from validated feedback; a person decides whether it serves.

The operations handbook calls `model_updater.update_models(feedback_batch)` when 50 reviewed rows
are there. Nothing here changes what serves: the candidate waits for `models promote`.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trimtab.models.ports import TextEncoder
from trimtab.models.records import CANDIDATE, ModelVersion
from trimtab.models.registry import Registry
from trimtab.models.trained.assembly import TrainedModel
from trimtab.models.trained.errors import TrainingDataInvalid

BATCH_ROWS = 50
"""Validated rows of one model that start a candidate."""

TrainOn = Callable[[str, Path, TextEncoder], TrainedModel]
"""Trains the model of that name on the folder of its data."""


@dataclass(frozen=True, slots=True)
class ValidatedRow:
    """One row that a reviewer has confirmed or corrected."""

    model: str
    inputs: Mapping[str, Any]
    """As the prediction got them."""
    label: str
    """The class by the reviewer."""


class ModelUpdater:
    """Trains candidates on the training data and the validated rows.

    Args:
        registry: Keeps the versions.
        encoder: The embedding model, for models that read text.
        data: The folder with the training sets; it is only read.
        train: Trains one model; by default as `models train` does.
    """

    def __init__(
        self, registry: Registry, encoder: TextEncoder, data: Path, train: TrainOn | None = None
    ) -> None:
        self._registry, self._encoder, self._data = registry, encoder, data
        self._train = train or _train

    def update_models(self, batch: Sequence[ValidatedRow], actor: str) -> list[ModelVersion]:
        """Register one candidate for each model with at least 50 rows in the batch.

        Returns:
            The candidates; none for a model with fewer rows, whose rows stay with the caller.

        Raises:
            TrainingDataInvalid: A row lacks a column or has an unknown class.
        """
        by_model: dict[str, list[ValidatedRow]] = defaultdict(list)
        for row in batch:
            by_model[row.model].append(row)
        return [
            self._start_candidate(name, rows, actor)
            for name, rows in sorted(by_model.items())
            if len(rows) >= BATCH_ROWS
        ]

    def _start_candidate(self, name: str, rows: Sequence[ValidatedRow], actor: str) -> ModelVersion:
        with TemporaryDirectory(prefix="retraining-") as temporary:
            data = Path(temporary) / "data"
            extend_data(name, self._data, rows, data)
            trained = self._train(name, data, self._encoder)
            folder = Path(temporary) / "model"
            folder.mkdir()
            for file, content in trained.content.items():
                (folder / file).write_bytes(content)
            parent = self._registry.aliases(name).get("production", 0)
            manifest = trained.manifest.changed(parent=parent)
            version = self._registry.register(folder, manifest, actor)
        reason = f"retrained with {len(rows)} validated rows; waits for approval"
        self._registry.move_alias(name, CANDIDATE, version.version, actor, reason)
        return version


def extend_data(name: str, data: Path, rows: Sequence[ValidatedRow], target: Path) -> Path:
    """Write the training file of a model with validated rows at its end; return the new file."""
    source, added = _tabular(name, data, rows) or _texts(name, data, rows)
    target.mkdir(parents=True, exist_ok=True)
    file = target / source.name
    content = source.read_text(encoding="utf-8").rstrip("\n")
    file.write_text("\n".join([content, *added]) + "\n", encoding="utf-8")
    return file


def _tabular(name: str, data: Path, rows: Sequence[ValidatedRow]) -> tuple[Path, list[str]] | None:
    from trimtab.models.trained import credit, fraud
    from trimtab.models.trained.datasets import find_file

    task = {task.name: task for task in (fraud.TASK, credit.TASK)}.get(name)
    if task is None:
        return None
    source = find_file(data, task.file)
    with source.open(encoding="utf-8") as opened:
        header = opened.readline().rstrip("\r\n").split(",")
    codes = {label: code for code, label in task.classes.items()}
    lines: list[str] = []
    for row in rows:
        if row.label not in codes or any(column not in row.inputs for column in task.columns):
            raise TrainingDataInvalid(f"A validated row of {name} lacks a column or a class.")
        values = {**row.inputs, task.target: codes[row.label]}
        lines.append(",".join(str(values.get(column, 0)) for column in header))
    return source, lines


def _texts(name: str, data: Path, rows: Sequence[ValidatedRow]) -> tuple[Path, list[str]]:
    from trimtab.models.trained.datasets import find_file
    from trimtab.models.trained.sentiment.model import CLASSES, TEXT_COLUMN
    from trimtab.models.trained.sentiment.training import DATA_FILE, NAME

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
    return find_file(data, DATA_FILE), lines


def _train(name: str, data: Path, encoder: TextEncoder) -> TrainedModel:
    from trimtab.models.trained.trainers import trainer_of

    return trainer_of(name).train(data, encoder)
