"""The fraud classifier `classifier_v2` of the documents: card transactions by V1 to V28."""

from pathlib import Path
from typing import Any

from trimtab.models.trained.assembly import TrainedModel
from trimtab.models.trained.cards import ModelCard
from trimtab.models.trained.tabular import TabularTask, train_tabular

NAME = "fraud-classifier"
DOCUMENT_NAME = "classifier_v2"
"""The name in the operations handbook; alerts and runbooks use it."""

_CARD = ModelCard(
    title="fraud-classifier (classifier_v2)",
    purpose="Scores card transactions: the probability that one is fraud, from features V1 to V28.",
    data=(
        "1,722 transactions of European cardholders of September 2013 (492 fraud): a sample of the"
        " credit card set of Université Libre de Bruxelles and Worldline. V1 to V28 are principal"
        " components; time and amount are not used."
    ),
    licence="Database Contents License 1.0 (DbCL). The transactions are not part of this product.",
    method=(
        "200 extremely randomised trees; probabilities by a logistic regression on out-of-fold"
        " scores (Platt)."
    ),
    limits=(
        (
            "29 % of the sample is fraud; in the full set it is 0.17 %. Where fraud is rarer, the"
            " probability must be corrected for the base rate before a threshold means anything."
        ),
        (
            "The components were made by a rotation that is not public: the model only fits a"
            " source that applies the same one. On any other source, train it again."
        ),
        "Two days of one region in 2013; fraud changes. Watch drift, above all of V14 and V17.",
        "492 frauds: the third digit of every figure is noise.",
    ),
)


def _trees() -> Any:
    from sklearn.ensemble import ExtraTreesClassifier, StackingClassifier
    from sklearn.linear_model import LogisticRegression

    trees = ExtraTreesClassifier(200, min_samples_leaf=2, random_state=20, n_jobs=1)
    # The sigmoid of `CalibratedClassifierCV`, of types that the registry trusts by default.
    return StackingClassifier([("trees", trees)], LogisticRegression(C=100.0), cv=5)


def _logistic_regression() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


TASK = TabularTask(
    name=NAME,
    file="fraud/creditcard_sample.csv",
    columns=tuple(f"V{number}" for number in range(1, 29)),
    target="Class",
    classes={"0": "legitimate", "1": "fraud"},
    positive="fraud",
    estimator=_trees,
    baseline=_logistic_regression,
    baseline_name="logistic regression",
    card=_CARD,
)


def train_fraud(data: Path) -> TrainedModel:
    """Train the fraud classifier."""
    return train_tabular(TASK, data)
