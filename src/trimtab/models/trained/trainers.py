"""The four trained models by name: how to train each, and how to evaluate it on a file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trimtab.models.ports import Predictor, TextEncoder
from trimtab.models.rows import Rows
from trimtab.models.trained.assembly import TrainedModel
from trimtab.models.trained.errors import TrainerUnknown, TrainingDataInvalid
from trimtab.models.trained.judging import JudgedCandidate

Train = Callable[[Path, TextEncoder], TrainedModel]
Evaluate = Callable[[Predictor, Path], Mapping[str, float]]
Judge = Callable[[Path, TextEncoder], JudgedCandidate]


@dataclass(frozen=True, slots=True)
class ModelTrainer:
    """Functions that train and evaluate one model, and judge a retraining of it.

    Attributes:
        file: Its training set, below the folder of data.
        figure: The figure that a summary shows.
        train: Fits the model and measures it.
        evaluate: Measures it on other data.
        judge: Compares a retraining.
    """

    file: str
    figure: str
    train: Train
    evaluate: Evaluate
    judge: Judge


def trainer_of(name: str) -> ModelTrainer:
    """Return the trainer of a model; `classifier_v2` is the fraud classifier.

    Raises:
        TrainerUnknown: This package trains no model of that name.
    """
    name = "fraud-classifier" if name == "classifier_v2" else name
    if name not in _TRAINERS:
        raise TrainerUnknown(
            f"There is no training for {name[:80]!r}; known: {', '.join(_TRAINERS)}."
        )
    return _TRAINERS[name]


def _train_fraud(data: Path, encoder: TextEncoder) -> TrainedModel:
    from trimtab.models.trained.fraud import train_fraud

    del encoder
    return train_fraud(data)


def _train_credit(data: Path, encoder: TextEncoder) -> TrainedModel:
    from trimtab.models.trained.credit import train_credit

    del encoder
    return train_credit(data)


def _train_sentiment(data: Path, encoder: TextEncoder) -> TrainedModel:
    from trimtab.models.trained.sentiment.training import train_sentiment

    return train_sentiment(data, encoder)


def _train_earnings(data: Path, encoder: TextEncoder) -> TrainedModel:
    from trimtab.models.trained.earnings.train import train_earnings

    return train_earnings(data, encoder)


def _evaluate_fraud(predictor: Predictor, file: Path) -> Mapping[str, float]:
    from trimtab.models.trained.fraud import TASK
    from trimtab.models.trained.tabular import evaluate_table

    return evaluate_table(TASK, predictor, file)


def _evaluate_credit(predictor: Predictor, file: Path) -> Mapping[str, float]:
    from trimtab.models.trained.credit import TASK
    from trimtab.models.trained.tabular import evaluate_table

    return evaluate_table(TASK, predictor, file)


def _evaluate_sentiment(predictor: Predictor, file: Path) -> Mapping[str, float]:
    from trimtab.models.trained.datasets import find_file, read_texts
    from trimtab.models.trained.measures import class_figures
    from trimtab.models.trained.sentiment.model import CLASSES, TEXT_COLUMN
    from trimtab.models.trained.sentiment.training import DATA_FILE

    labelled = read_texts(find_file(file, DATA_FILE), CLASSES)
    rows = Rows((TEXT_COLUMN,), columns={TEXT_COLUMN: list(labelled.texts)})
    shares = predictor.predict(rows).probabilities
    if shares is None:
        raise TrainingDataInvalid("The model gives no probabilities, so it cannot be measured.")
    return class_figures(labelled.labels, shares, CLASSES)


def _evaluate_earnings(predictor: Predictor, file: Path) -> Mapping[str, float]:
    from trimtab.models.trained.earnings.predictor import EarningsPredictor
    from trimtab.models.trained.earnings.training import figures_of, read_labelled

    if not isinstance(predictor, EarningsPredictor):
        raise TrainingDataInvalid("This version is not an earnings analyzer of this package.")
    sentences = read_labelled(file)
    features = np.asarray([sentence.features for sentence in sentences])
    return figures_of(sentences, predictor.tone.probabilities(features))


def _judge_fraud(file: Path, encoder: TextEncoder) -> JudgedCandidate:
    from trimtab.models.trained.fraud import TASK
    from trimtab.models.trained.tabular import judge_table

    del encoder
    return judge_table(TASK, file)


def _judge_credit(file: Path, encoder: TextEncoder) -> JudgedCandidate:
    from trimtab.models.trained.credit import TASK
    from trimtab.models.trained.tabular import judge_table

    del encoder
    return judge_table(TASK, file)


def _judge_sentiment(file: Path, encoder: TextEncoder) -> JudgedCandidate:
    from trimtab.models.trained.sentiment.training import judge_sentiment

    return judge_sentiment(file, encoder)


def _judge_earnings(file: Path, encoder: TextEncoder) -> JudgedCandidate:
    from trimtab.models.trained.earnings.training import judge_earnings

    del encoder
    return judge_earnings(file)


_TRAINERS: Mapping[str, ModelTrainer] = {
    "fraud-classifier": ModelTrainer(
        "fraud/creditcard_sample.csv", "cv_auprc", _train_fraud, _evaluate_fraud, _judge_fraud
    ),
    "risk-predictor": ModelTrainer(
        "credit/creditcard.csv", "cv_auc", _train_credit, _evaluate_credit, _judge_credit
    ),
    "sentiment-analyzer": ModelTrainer(
        "finance_tweets/data.jsonl",
        "cv_macro_f1",
        _train_sentiment,
        _evaluate_sentiment,
        _judge_sentiment,
    ),
    "earnings-analyzer": ModelTrainer(
        "earnings_statements/data.jsonl",
        "statements_f1_metric_nature",
        _train_earnings,
        _evaluate_earnings,
        _judge_earnings,
    ),
}
NAMES = tuple(_TRAINERS)
