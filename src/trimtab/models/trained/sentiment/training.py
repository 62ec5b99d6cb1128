"""Trains the sentiment analyzer and measures it with VADER and TF-IDF as baselines."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.models.ports import TextEncoder
from trimtab.models.records import ColumnKind, InputColumn, InputSchema
from trimtab.models.rows import Rows
from trimtab.models.trained.assembly import Figures, OwnModel, TrainedModel, assemble
from trimtab.models.trained.datasets import LabelledTexts, file_sha256, find_file, read_texts
from trimtab.models.trained.judging import JudgedCandidate, class_indices, newest_fifth
from trimtab.models.trained.measures import Labels, class_figures
from trimtab.models.trained.sentiment.card import CARD
from trimtab.models.trained.sentiment.features import (
    CELLS,
    count_cells,
    encoder_text,
    hash_text,
)
from trimtab.models.trained.sentiment.model import (
    CLASSES,
    TEXT_COLUMN,
    WEIGHTS_FILE,
    SentimentPredictor,
    SentimentWeights,
    VectorNet,
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
_MIN_TEXTS = 2
"""A cell of fewer texts has no weight."""
_VECTOR_SCALE = 1.5
_STRENGTH = 0.15
_ITERATIONS = 50_000
"""Small sets with vectors that are alike need more than the 1,000 of scikit-learn."""
_MIX = 0.25
_NETS, _UNITS, _PASSES, _DECAY = 2, 128, 25, 0.01
_NET_SHARE = 0.15
"""Weight of the network's scores next to those of the linear classifier."""
_TEMPERATURES = np.geomspace(0.1, 3.0, 60)


@dataclass(frozen=True, slots=True)
class EncodedTexts:
    """Labelled texts with their vectors."""

    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    labels: Labels

    def part(self, rows: NDArray[np.intp]) -> "EncodedTexts":
        """Return some of the rows."""
        texts = tuple(self.texts[at] for at in rows)
        return EncodedTexts(texts, self.vectors[rows], self.labels[rows])


def train_sentiment(data: Path, encoder: TextEncoder) -> TrainedModel:
    """Fit the weights on all texts; the figures are those of five folds together."""
    file = find_file(data, DATA_FILE)
    labelled = read_texts(file, CLASSES)
    encoded = encode(labelled, encoder)
    scores, temperature = cross_validate(encoded, encoder.model_id)
    metrics = class_figures(encoded.labels, softmax(scores / temperature), CLASSES)
    metrics = {f"cv_{name}": value for name, value in metrics.items()}
    weights = fit(encoded, encoder.model_id, temperature)
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
    encoded = encode(labelled, encoder)
    weights = fit(encoded.part(np.flatnonzero(~held_out)), encoder.model_id)
    test = encoded.part(np.flatnonzero(held_out))
    return JudgedCandidate(
        Rows((TEXT_COLUMN,), columns={TEXT_COLUMN: list(test.texts)}),
        CLASSES,
        class_indices(test.labels, CLASSES),
        weights.scores(test.texts, test.vectors).argmax(axis=1),
        tuple(range(len(CLASSES))),
    )


def encode(labelled: LabelledTexts, encoder: TextEncoder) -> EncodedTexts:
    """Return the texts with the vectors of the encoder."""
    texts = [encoder_text(text) for text in labelled.texts]
    vectors = np.asarray(encoder.embed(texts), dtype=np.float32)
    return EncodedTexts(labelled.texts, vectors, labelled.labels)


def fit(encoded: EncodedTexts, encoder: str, temperature: float = 1.0) -> SentimentWeights:
    """Return the weights of a linear classifier, one class against the others, and of a network."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.svm import LinearSVC

    rarity = document_rarity(encoded.texts)
    hashed = _sparse(encoded.texts, rarity)
    vectors = csr_matrix(encoded.vectors * _VECTOR_SCALE)
    cells: list[NDArray[np.float64]] = []
    dense: list[NDArray[np.float64]] = []
    intercept: list[float] = []
    for name in CLASSES:
        ratio = class_ratio(hashed, encoded.labels == name)
        model = LinearSVC(
            C=_STRENGTH, class_weight="balanced", random_state=_SEED, max_iter=_ITERATIONS
        )
        inputs = hstack([hashed.multiply(ratio), vectors]).tocsr()
        model.fit(inputs, encoded.labels == name)
        cells.append(model.coef_[0, :CELLS] * ratio)
        dense.append(model.coef_[0, CELLS:] * _VECTOR_SCALE)
        intercept.append(model.intercept_[0])
    return SentimentWeights(
        rarity,
        np.asarray(cells, dtype=np.float32),
        np.asarray(dense, dtype=np.float32),
        np.asarray(intercept, dtype=np.float32),
        fit_net(encoded.vectors, encoded.labels),
        temperature,
        encoder,
    )


def fit_net(vectors: NDArray[np.float32], labels: Labels) -> VectorNet:
    """Return a network that finds in the vectors what no linear classifier does.

    Several networks from different starts make one wide network, whose scores are their mean.
    """
    import warnings

    from sklearn.neural_network import MLPClassifier

    mean, scale = vectors.mean(axis=0), vectors.std(axis=0)
    scale = np.where(scale, scale, 1)
    nets = []
    with warnings.catch_warnings():
        # It ends after a fixed number of passes, before it has learnt the texts by heart.
        warnings.simplefilter("ignore")
        for seed in range(_NETS):
            net = MLPClassifier(
                (_UNITS,),
                alpha=_DECAY,
                batch_size=min(64, len(vectors)),
                learning_rate_init=5e-4,
                max_iter=_PASSES,
                random_state=seed,
            )
            nets.append(net.fit((vectors - mean) / scale, labels))
    hidden = np.concatenate([(net.coefs_[0] / scale[:, None]).T for net in nets])
    bias = np.concatenate([net.intercepts_[0] for net in nets]) - hidden @ mean
    output = np.concatenate([net.coefs_[1] for net in nets]).T
    output_bias = np.sum([net.intercepts_[1] for net in nets], axis=0)
    share = _NET_SHARE / len(nets)
    return VectorNet(
        *(np.asarray(each, dtype=np.float32) for each in (hidden, bias, output * share)),
        np.asarray(output_bias * share, dtype=np.float32),
    )


def class_ratio(hashed: Any, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how much each cell tells a class from the others, 1 on average.

    It is the size of the log-count ratio of naive Bayes, mixed with 1 as in Wang and Manning
    (2012, aclanthology.org/P12-2018), so that a cell that tells nothing keeps some weight.
    """
    within = np.asarray(hashed[inside].sum(axis=0)).ravel() + 1
    without = np.asarray(hashed[~inside].sum(axis=0)).ravel() + 1
    ratio = np.abs(np.log((within / within.sum()) / (without / without.sum())))
    mixed: NDArray[np.float64] = _MIX + (1 - _MIX) * ratio / max(ratio.mean(), 1e-12)
    return mixed


def document_rarity(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the inverse document frequency of each cell; 0 for a cell of too few texts."""
    frequency = np.zeros(CELLS)
    for text in texts:
        words, characters = count_cells(text)
        frequency[[*words, *characters]] += 1
    rarity = np.log((1 + len(texts)) / (1 + frequency)) + 1
    return np.where(frequency >= _MIN_TEXTS, rarity, 0).astype(np.float32)


def _sparse(texts: Sequence[str], rarity: NDArray[np.float32]) -> Any:
    from scipy.sparse import csr_matrix

    rows = [hash_text(text, rarity) for text in texts]
    ends = np.cumsum([0, *(len(row.cells) for row in rows)])
    cells = np.concatenate([row.cells for row in rows])
    values = np.concatenate([row.values for row in rows])
    matrix = csr_matrix((values, cells, ends), shape=(len(texts), CELLS))
    matrix.eliminate_zeros()
    return matrix


def cross_validate(encoded: EncodedTexts, encoder: str) -> tuple[NDArray[np.float64], float]:
    """Return scores of each text by weights that have not seen it, and the temperature for them.

    The temperature is the one with the least log loss (Guo et al., 2017, arXiv:1706.04599); one
    number fitted on all folds does not favour any text.
    """
    from sklearn.model_selection import StratifiedKFold

    scores = np.zeros((len(encoded.texts), len(CLASSES)))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    for train, test in folds.split(scores, encoded.labels):
        weights = fit(encoded.part(train), encoder)
        held = encoded.part(test)
        scores[test] = weights.scores(held.texts, held.vectors)
    truth = np.asarray([CLASSES.index(label) for label in encoded.labels])
    losses = [_log_loss(softmax(scores / t), truth) for t in _TEMPERATURES]
    return scores, float(_TEMPERATURES[int(np.argmin(losses))])


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
