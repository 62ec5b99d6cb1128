"""Trains and measures classifiers of tables of numbers: fraud and credit risk."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trimtab.models.packing import MODEL_FILE, Description, describe
from trimtab.models.ports import Predictor
from trimtab.models.predictors.sklearn_model import SklearnPredictor
from trimtab.models.records import InputColumn, InputSchema
from trimtab.models.rows import Rows
from trimtab.models.trained.assembly import Figures, TrainedModel, golden_batch
from trimtab.models.trained.cards import ModelCard
from trimtab.models.trained.datasets import LabelledTable, file_sha256, find_file, read_table
from trimtab.models.trained.errors import TrainingDataInvalid
from trimtab.models.trained.judging import JudgedCandidate, class_indices, newest_fifth
from trimtab.models.trained.measures import Floats, binary_figures
from trimtab.models.trained.skops_bytes import estimator_to_bytes

_FOLDS = 5
_GOLDEN_ROWS = 16
_HELD_OUT = 0.2
_SEED = 20


@dataclass(frozen=True, slots=True)
class TabularTask:
    """A classifier to train: file, columns, classes, estimator, baseline."""

    name: str
    file: str
    columns: tuple[str, ...]
    target: str
    classes: Mapping[str, str]
    """Class by the text in the target column."""
    positive: str
    estimator: Callable[[], Any]
    baseline: Callable[[], Any]
    baseline_name: str
    card: ModelCard

    def read(self, file: Path) -> LabelledTable:
        """Read a labelled table of this task."""
        return read_table(file, self.columns, self.target, dict(self.classes))

    @property
    def schema(self) -> InputSchema:
        """Return the input columns."""
        return InputSchema(tuple(InputColumn(name) for name in self.columns))


def train_tabular(task: TabularTask, data: Path) -> TrainedModel:
    """Fit the calibrated model on all rows, and measure it on rows it has not seen.

    The figures named ``cv_`` are those of five folds together; the others are those of a fifth of
    the rows that a model fitted on the rest has not seen.
    """
    file = find_file(data, task.file)
    table = task.read(file)
    train, test = split(table)
    metrics = _held_out(task.estimator(), train, test, task.positive)
    metrics = {**metrics, **_crossed(task.estimator, table, task.positive)}
    baseline = _held_out(task.baseline(), train, test, task.positive)
    baseline = {**baseline, **_crossed(task.baseline, table, task.positive)}
    estimator = _without_bunch(task.estimator().fit(table.values, table.labels))
    content = estimator_to_bytes(estimator)
    baselines = {task.baseline_name: baseline}
    description = Description(
        name=task.name,
        sample=[dict(zip(task.columns, row, strict=True)) for row in table.values.tolist()],
        positive=task.positive,
        schema=task.schema,
        metrics=metrics,
        card=task.card.render(metrics, baselines),
        data_sha256=file_sha256(file),
        trusted_types=content.trusted_types,
    )
    manifest = describe(estimator, description).changed(files={MODEL_FILE: content.sha256})
    predictor = SklearnPredictor(deepcopy(estimator), manifest)
    golden = golden_batch(predictor, task.schema, quantile_rows(task.columns, table.values), 1e-6)
    return TrainedModel(manifest.changed(golden=golden), {MODEL_FILE: content.bytes}, baselines)


def _without_bunch(estimator: Any) -> Any:
    """Name the parts of a stack in a plain dict: skops does not trust scikit-learn's `Bunch`."""
    if hasattr(estimator, "named_estimators_"):
        estimator.named_estimators_ = dict(estimator.named_estimators_)
    return estimator


def quantile_rows(columns: Sequence[str], values: Floats) -> list[dict[str, float]]:
    """Return rows of quantiles, for a golden batch that holds no row of the training data.

    Every second row takes the opposite quantile in every second column, so that the rows are not
    all on one line.
    """
    rows = []
    for number, share in enumerate(np.linspace(0.02, 0.98, _GOLDEN_ROWS)):
        shares = np.full(len(columns), share)
        shares[1::2] = 1 - share if number % 2 else share
        found = [
            round(float(np.quantile(values[:, at], shares[at])), 4) for at in range(len(columns))
        ]
        rows.append(dict(zip(columns, found, strict=True)))
    return rows


def split(table: LabelledTable) -> tuple[LabelledTable, LabelledTable]:
    """Return the rows to train with and the held-out fifth, with equal shares of the classes."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(table.labels))
    train, test = train_test_split(
        rows, test_size=_HELD_OUT, stratify=table.labels, random_state=_SEED
    )
    return (
        LabelledTable(table.values[train], table.labels[train]),
        LabelledTable(table.values[test], table.labels[test]),
    )


def _held_out(model: Any, train: LabelledTable, test: LabelledTable, positive: str) -> Figures:
    model.fit(train.values, train.labels)
    return binary_figures(test.labels, scores_of(model, test.values, positive), positive)


def _crossed(make: Callable[[], Any], table: LabelledTable, positive: str) -> Figures:
    from sklearn.model_selection import StratifiedKFold

    scores = np.zeros(len(table.labels))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    for train, test in folds.split(table.values, table.labels):
        model = make().fit(table.values[train], table.labels[train])
        scores[test] = scores_of(model, table.values[test], positive)
    figures = binary_figures(table.labels, scores, positive)
    return {f"cv_{name}": value for name, value in figures.items()}


def judge_table(task: TabularTask, file: Path) -> JudgedCandidate:
    """Return what a model fitted on the older rows predicts for the newest fifth."""
    table = task.read(find_file(file, task.file))
    held_out = newest_fifth(table.labels)
    train = LabelledTable(table.values[~held_out], table.labels[~held_out])
    fitted = task.estimator().fit(train.values, train.labels)
    classes = tuple(str(name) for name in fitted.classes_)
    values = table.values[held_out]
    return JudgedCandidate(
        Rows(task.columns, values),
        classes,
        class_indices(table.labels[held_out], classes),
        np.asarray(fitted.predict_proba(values)).argmax(axis=1),
        (classes.index(task.positive),),
    )


def scores_of(model: Any, values: Floats, positive: str) -> Floats:
    """Return the probability of the positive class for each row."""
    shares: Floats = np.asarray(model.predict_proba(values), dtype=np.float64)
    return shares[:, list(model.classes_).index(positive)]


def evaluate_table(task: TabularTask, predictor: Predictor, data: Path) -> Figures:
    """Return the figures of a loaded model on a labelled file."""
    table = task.read(find_file(data, task.file))
    outputs = predictor.predict(Rows(task.columns, table.values))
    if outputs.probabilities is None:
        raise TrainingDataInvalid("The model gives no probabilities, so it cannot be measured.")
    scores = outputs.probabilities[:, outputs.classes.index(task.positive)]
    return binary_figures(table.labels, scores, task.positive)
