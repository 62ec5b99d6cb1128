"""Trains the sentiment analyzer and measures it with VADER and TF-IDF as baselines."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trimtab.models.ports import TextEncoder
from trimtab.models.records import ColumnKind, InputColumn, InputSchema
from trimtab.models.rows import Rows
from trimtab.models.trained.assembly import Figures, OwnModel, TrainedModel, assemble
from trimtab.models.trained.datasets import LabelledTexts, file_sha256, find_file, read_texts
from trimtab.models.trained.judging import JudgedCandidate, class_indices, newest_fifth
from trimtab.models.trained.measures import class_figures
from trimtab.models.trained.sentiment.card import CARD
from trimtab.models.trained.sentiment.encoding import EncodedTexts, encode_texts
from trimtab.models.trained.sentiment.kernel import KernelPart
from trimtab.models.trained.sentiment.linear import LinearPart
from trimtab.models.trained.sentiment.model import (
    CLASSES,
    TEXT_COLUMN,
    WEIGHTS_FILE,
    SentimentPredictor,
    SentimentScorer,
    SentimentWeights,
    softmax,
)

NAME = "sentiment-analyzer"
DATA_FILE = "finance_tweets/data.jsonl"
GOLDEN = (
    "Acme raises its full-year outlook after record orders",
    "Acme shares plunge 12% as it warns on profit",
    "Acme to report third quarter results on Tuesday",
    "$ACME upgraded to buy, price target raised to $40",
    "$ACME downgraded; analysts see weaker demand",
    "Markets open in Frankfurt at nine",
)
"""Our own texts: the golden batch holds no text of the training set."""

_FOLDS, _SEED = 5, 7
_HELD_OUT_SEED = 20261201
_TEMPERATURES = np.geomspace(0.1, 3.0, 60)


def train_sentiment(data: Path, encoder: TextEncoder) -> TrainedModel:
    """Fit the weights on all texts; measure them on five folds together and on a held-out fifth."""
    file = find_file(data, DATA_FILE)
    labelled = read_texts(file, CLASSES)
    encoded = encode_texts(labelled.texts, encoder)
    truth = class_indices(labelled.labels, CLASSES)
    scores, temperature = cross_validate(encoded, truth, encoder.model_id)
    metrics = class_figures(labelled.labels, softmax(scores / temperature), CLASSES)
    metrics = {f"cv_{name}": value for name, value in metrics.items()}
    metrics |= measure_held_out(encoded, truth, encoder.model_id, temperature)
    weights = fit(encoded, truth, encoder.model_id, temperature)
    baselines = measure_baselines(labelled)
    model = OwnModel(
        name=NAME,
        schema=InputSchema((InputColumn(TEXT_COLUMN, ColumnKind.TEXT),)),
        classes=CLASSES,
        content={WEIGHTS_FILE: weights.to_bytes()},
        golden_rows=[{TEXT_COLUMN: text} for text in GOLDEN],
        metrics=metrics,
        card=CARD.render(metrics, baselines),
        data_sha256=file_sha256(file),
        baselines=baselines,
    )
    return assemble(model, SentimentPredictor.load, encoder)


def judge_sentiment(data: Path, encoder: TextEncoder) -> JudgedCandidate:
    """Return what weights fitted on the older texts predict for the newest fifth."""
    labelled = read_texts(find_file(data, DATA_FILE), CLASSES)
    held_out = newest_fifth(labelled.labels)
    encoded = encode_texts(labelled.texts, encoder)
    truth = class_indices(labelled.labels, CLASSES)
    older, newer = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    weights = fit(encoded.part(older), truth[older], encoder.model_id)
    return JudgedCandidate(
        Rows((TEXT_COLUMN,), columns={TEXT_COLUMN: [labelled.texts[at] for at in newer]}),
        CLASSES,
        truth[newer],
        SentimentScorer(weights).scores(encoded.part(newer)).argmax(axis=1),
        tuple(range(len(CLASSES))),
    )


def fit(
    encoded: EncodedTexts, truth: NDArray[np.intp], encoder: str, temperature: float = 1.0
) -> SentimentWeights:
    """Return weights for which each class counts as much as the others.

    Args:
        encoded: Texts to learn.
        truth: Class of each, as an index into `CLASSES`.
        encoder: Name of the embedding model.
        temperature: Divides the scores.
    """
    frequency = np.bincount(truth, minlength=len(CLASSES))
    balanced = (len(truth) / (len(CLASSES) * frequency))[truth]
    return SentimentWeights(
        LinearPart.fit(encoded, truth),
        KernelPart.fit(encoded, truth, balanced),
        temperature,
        encoder,
    )


def cross_validate(
    encoded: EncodedTexts, truth: NDArray[np.intp], encoder: str
) -> tuple[NDArray[np.float64], float]:
    """Return scores of each text by weights that have not seen it, and the temperature for them.

    The temperature is the one with the least log loss (Guo et al., 2017, arXiv:1706.04599); one
    number fitted on all folds does not favour any text.
    """
    from sklearn.model_selection import StratifiedKFold

    scores = np.zeros((len(encoded), len(CLASSES)))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    for train, test in folds.split(scores, truth):
        weights = fit(encoded.part(train), truth[train], encoder)
        scores[test] = SentimentScorer(weights).scores(encoded.part(test))
    losses = [_log_loss(softmax(scores / t), truth) for t in _TEMPERATURES]
    return scores, float(_TEMPERATURES[int(np.argmin(losses))])


def measure_held_out(
    encoded: EncodedTexts, truth: NDArray[np.intp], encoder: str, temperature: float
) -> dict[str, float]:
    """Return the figures of a fifth of the texts by weights fitted on the others.

    The draw is another one than that of the folds, by which the method was chosen.
    """
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(
        np.arange(len(truth)), test_size=0.2, random_state=_HELD_OUT_SEED, stratify=truth
    )
    scores = SentimentScorer(fit(encoded.part(train), truth[train], encoder)).scores(
        encoded.part(test)
    )
    labels = np.asarray(CLASSES)[truth[test]]
    figures = class_figures(labels, softmax(scores / temperature), CLASSES)
    return {f"held_out_{name}": value for name, value in figures.items()}


def _log_loss(shares: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    return float(-np.log(np.maximum(shares[np.arange(len(truth)), truth], 1e-12)).mean())


def measure_baselines(labelled: LabelledTexts) -> dict[str, Figures]:
    """Return the figures of TF-IDF with logistic regression, and of VADER when installed."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    plain = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=500))
    shares = cross_val_predict(
        plain, list(labelled.texts), labelled.labels, cv=folds, method="predict_proba"
    )
    order = [sorted(CLASSES).index(name) for name in CLASSES]
    figures = class_figures(labelled.labels, shares[:, order], CLASSES)
    baselines: dict[str, Figures] = {
        "TF-IDF and logistic regression": {f"cv_{name}": v for name, v in figures.items()}
    }
    vader = _vader_shares(labelled.texts)
    if vader is not None:
        figures = class_figures(labelled.labels, vader, CLASSES)
        # VADER gives a class and no probability.
        kept = ("rows", "macro_f1", "accuracy", *(f"f1_{name}" for name in CLASSES))
        baselines["VADER"] = {f"cv_{name}": figures[name] for name in kept}
    return baselines


def _vader_shares(texts: Sequence[str]) -> NDArray[np.float64] | None:
    """Return the class of each text by VADER's own thresholds; None when it is not installed."""
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return None
    analyzer = SentimentIntensityAnalyzer()
    balance = np.asarray([analyzer.polarity_scores(text)["compound"] for text in texts])
    found = np.where(balance >= 0.05, 2, np.where(balance <= -0.05, 0, 1))
    shares: NDArray[np.float64] = np.eye(len(CLASSES))[found]
    return shares
