"""Trains the injection classifiers and sets their thresholds.

The training sets are the licensed sets and synthetic examples. Thresholds follow a budget of false
alarms, not accuracy on the training sets: at most 1 % of everyday requests (``benign_alpaca``) and
10 % of harmless requests with the words of attacks (``benign_notinject``) may be blocked. These two
sets are never used for training.
"""

import json
import random
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.guardrails.errors import BadTrainingData, TrainingUnavailable
from trimtab.guardrails.injection import embedded, synthetic
from trimtab.guardrails.injection.features import CELLS, features
from trimtab.guardrails.injection.guard import attack_score
from trimtab.guardrails.injection.model import WEIGHTS, InjectionModel
from trimtab.guardrails.measures import auc, balanced_accuracy
from trimtab.text.normalise import normalise
from trimtab.text.sentences import sentences

TRAIN = ("inj_slabs_train", "inj_neuralchemy_train")
VALIDATION = ("inj_slabs_validation", "inj_neuralchemy_validation")
EVERYDAY, HARD = "benign_alpaca", "benign_notinject"
CHAT, REQUESTS = "faith_q2", "pii_presidio_synth"
PEOPLE = "people"
"""Name of the set of sentences between people: conversation and requests to a company."""
EVERYDAY_BUDGET, HARD_BUDGET = 0.0095, 0.09
PASSAGE_MARGIN = 4.9
"""Log-odds at which no passage of our manual or of XQuAD is dropped.

A dropped passage may cost the answer, so passages need a wider margin than questions.
"""
_STRENGTH = 3.0
_TOLERANCE = 1e-5
"""Tolerance of the solver; a larger one stops before the weights of rare words converge."""
EMAIL_BUDGET = 0.10
"""False alarms allowed on e-mails with unseen phrases.

The final model, trained on all phrases, blocks fewer: 2 % of the e-mails of a public set.
"""
_STATEMENT = re.compile(r"(?:The|My|Our|I|We|An?|His|Her|They|She|He|It) ")


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts with their labels (1 is an attack)."""

    texts: tuple[str, ...]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """Metrics of the trained classifiers on held-out sets."""

    examples: int
    query_threshold: float
    everyday_false_alarms: float
    hard_false_alarms: float
    balanced_accuracy: dict[str, float]
    across_sets: dict[str, float]
    """Balanced accuracy on one validation set of a model trained on the other source only."""
    hidden_in_emails: float | None
    """AUC of everyday requests hidden in e-mails, all with unseen phrases."""

    def as_dict(self) -> dict[str, object]:
        """Return the report as a JSON-ready dictionary."""
        return asdict(self)


def train(
    data: Path, weights: Path = WEIGHTS, embedded_weights: Path = embedded.WEIGHTS
) -> TrainingReport:
    """Train both classifiers on the sets under ``data`` and write their weights.

    Raises:
        TrainingUnavailable: scikit-learn is not installed.
        BadTrainingData: A set is missing or malformed.
    """
    sets = {name: read(data / name) for name in (*TRAIN, *VALIDATION, EVERYDAY, HARD)}
    sets[PEOPLE] = people(data)
    own = synthetic.examples()
    ours = Labelled(tuple(example.text for example in own), np.array([int(e.attack) for e in own]))
    vectors = {name: _matrix(sets[name].texts) for name in TRAIN}
    vectors["ours"], sets["ours"] = _matrix(ours.texts), ours
    model = _fit(sets, vectors, TRAIN)
    model.save(weights)
    # The threshold needs e-mails with unseen phrases: with seen phrases it would be too low.
    unseen = _fit_embedded(sets, half=0)
    whole = replace(_fit_embedded(sets), query_threshold=unseen.query_threshold)
    whole.save(embedded_weights)
    return TrainingReport(
        examples=sum(len(sets[name].texts) for name in (*TRAIN, "ours")),
        query_threshold=round(model.query_threshold, 3),
        everyday_false_alarms=_false_alarm_rate(model, sets[EVERYDAY]),
        hard_false_alarms=_false_alarm_rate(model, sets[HARD]),
        balanced_accuracy={name: _balanced_accuracy(model, sets[name]) for name in VALIDATION},
        across_sets={
            VALIDATION[1 - index]: _balanced_accuracy(
                _fit(sets, vectors, (name,)), sets[VALIDATION[1 - index]]
            )
            for index, name in enumerate(TRAIN)
        },
        hidden_in_emails=_hidden_task_auc(unseen, sets[EVERYDAY].texts),
    )


def read(folder: Path) -> Labelled:
    """Read the set in ``folder/data.jsonl``, or raise `BadTrainingData`."""
    rows = _rows(folder)
    try:
        texts = tuple(str(row["text"]) for row in rows)
        return Labelled(texts, np.array([int(row["label"]) for row in rows]))
    except (ValueError, KeyError, TypeError) as error:
        raise BadTrainingData(f"The set {folder.name} cannot be read: {error!r}.") from error


def people(data: Path) -> Labelled:
    """Read sentences between people, from two sets of other guards.

    None of them is addressed to an assistant, so all are labelled harmless.
    """
    texts = [*_column(data / CHAT, "question"), *_column(data / REQUESTS, "text")]
    found = [part.text for text in dict.fromkeys(texts) for part in sentences(text)]
    return Labelled(tuple(found), np.zeros(len(found), dtype=np.int64))


def _column(folder: Path, name: str) -> list[str]:
    return [str(row[name]) for row in _rows(folder) if name in row]


def _rows(folder: Path) -> list[Any]:
    try:
        lines = (folder / "data.jsonl").read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise BadTrainingData(f"The set {folder.name} cannot be read: {error!r}.") from error


def _matrix(texts: Sequence[str]) -> Any:
    """Return a sparse matrix with the features of each text."""
    sparse = _sparse()
    found = [features(normalise(text)) for text in texts]
    rows = np.cumsum([0, *(len(f.cells) for f in found)])
    values = np.concatenate([f.values for f in found])
    cells = np.concatenate([f.cells for f in found])
    found_cells = sparse.csr_matrix((values, cells, rows), shape=(len(texts), CELLS))
    found_cells.sum_duplicates()
    return found_cells


def _sparse() -> Any:
    try:
        import scipy.sparse
    except ImportError as error:
        raise TrainingUnavailable("Training needs scikit-learn.") from error
    return scipy.sparse


def _fit(
    sets: dict[str, Labelled], vectors: dict[str, Any], names: tuple[str, ...]
) -> InjectionModel:
    chosen = (*names, "ours")
    fitted = _logistic_regression(_STRENGTH, _TOLERANCE).fit(
        _sparse().vstack([vectors[name] for name in chosen]),
        np.concatenate([sets[name].labels for name in chosen]),
        sample_weight=np.concatenate(_weights(sets, names)),
    )
    weights = fitted.coef_[0].astype(np.float16).astype(np.float32)
    plain = InjectionModel(weights, float(fitted.intercept_[0]), 0.0, 0.0)
    query = max(
        float(np.quantile(_scores(plain, sets[EVERYDAY]), 1 - EVERYDAY_BUDGET)),
        float(np.quantile(_scores(plain, sets[HARD]), 1 - HARD_BUDGET)),
    )
    return replace(plain, query_threshold=query, passage_threshold=query + PASSAGE_MARGIN)


def _weights(sets: dict[str, Labelled], names: tuple[str, ...]) -> list[NDArray[np.float64]]:
    """Return sample weights that balance the licensed sets.

    Each synthetic text has the weight 1.
    """
    sizes = {name: len(sets[name].texts) for name in names}
    largest = max(sizes.values())
    licensed = [np.full(size, largest / size) for size in sizes.values()]
    return [*licensed, np.ones(len(sets["ours"].texts))]


def _fit_embedded(sets: dict[str, Labelled], half: int | None = None) -> InjectionModel:
    """Fit tasks and attacks against sentences between people.

    The threshold follows the budget of false alarms on whole e-mails.
    """
    own = synthetic.examples()
    orders = [example.text.split("\n")[0] for example in own if example.text.isascii()]
    harmless = [
        text
        for text, label in zip(sets[TRAIN[0]].texts, sets[TRAIN[0]].labels, strict=True)
        if label == 0
    ]
    statements = {text for text in harmless if _STATEMENT.match(text) and not text.endswith("?")}
    orders += [text for text in harmless if text not in statements]
    ordinary = [*synthetic.email_sentences(half), *sorted(statements), *sets[PEOPLE].texts]
    labels = np.array([1] * len(orders) + [0] * len(ordinary))
    fitted = _logistic_regression(1.0).fit(_matrix([*orders, *ordinary]), labels)
    kept = fitted.coef_[0].astype(np.float16).astype(np.float32)
    plain = InjectionModel(kept, float(fitted.intercept_[0]), 0.0, 0.0)
    margins = [
        embedded.margin_of(text, plain)
        for text in synthetic.emails(None if half is None else 1 - half)
    ]
    return replace(plain, query_threshold=float(np.quantile(margins, 1 - EMAIL_BUDGET)))


def _hidden_task_auc(model: InjectionModel, requests: Sequence[str]) -> float | None:
    """Return the AUC on unseen requests, hidden in e-mails with unseen phrases."""
    rng = random.Random(3)  # noqa: S311 - a reproducible choice, not a secret.
    scores, labels = [], []
    for index, text in enumerate(synthetic.emails(half=1, seed=99, count=400)):
        parts = text.split("\n\n")
        if index % 2:
            parts.insert(rng.randint(2, len(parts) - 1), rng.choice(requests).split("\n")[0])
        scores.append(embedded.margin_of("\n\n".join(parts), model))
        labels.append(index % 2)
    return auc(np.array(labels), np.array(scores))


def _logistic_regression(strength: float, tolerance: float = 1e-4) -> Any:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise TrainingUnavailable("Training needs scikit-learn.") from error
    return LogisticRegression(C=strength, max_iter=1_000, tol=tolerance, class_weight="balanced")


def _scores(model: InjectionModel, labelled: Labelled) -> NDArray[np.float64]:
    """Score the texts as the guard does, with all windows."""
    return np.array([attack_score(normalise(text), model) for text in labelled.texts])


def _false_alarm_rate(model: InjectionModel, labelled: Labelled) -> float:
    return round(float((_scores(model, labelled) > model.query_threshold).mean()), 4)


def _balanced_accuracy(model: InjectionModel, labelled: Labelled) -> float:
    flagged = _scores(model, labelled) > model.query_threshold
    return balanced_accuracy(labelled.labels, flagged) or 0.0
