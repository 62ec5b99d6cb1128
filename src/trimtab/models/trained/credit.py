"""The credit risk predictor: default of a cardholder in the next month."""

from pathlib import Path
from typing import Any

from trimtab.models.trained.assembly import TrainedModel
from trimtab.models.trained.cards import ModelCard
from trimtab.models.trained.tabular import TabularTask, train_tabular

NAME = "risk-predictor"

_STATUS = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
_CARD = ModelCard(
    title="risk-predictor",
    purpose="Gives the probability that a cardholder does not pay next month.",
    data=(
        "30,000 credit card clients of a bank in Taiwan, April to September 2005 (6,636 defaults):"
        " UCI, Default of Credit Card Clients (I-Cheng Yeh, 2009, doi:10.24432/C55S3H). Used are"
        " credit limit, six months of payment status, bills and payments."
    ),
    licence="CC BY 4.0 (UCI Machine Learning Repository). The records are not in this product.",
    method=(
        "150 gradient-boosted trees with log loss, each on half of the clients, whose probabilities"
        " are calibrated without a further step (see the calibration error)."
    ),
    limits=(
        (
            "Sex, marital status, age and education are in the data and are not used; other columns"
            " may still stand for them. Measure the error by group before deciding about people."
        ),
        (
            "One bank, one country, 2005, amounts in New Taiwan dollars: train it again on your own"
            " clients before you use it."
        ),
        "Clients who never got a card are not in the data.",
        "A person decides about credit; laws such as the GDPR, article 22, may require it.",
    ),
)


def _boosted_trees() -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    # Its trees are of a type whose indices are checked on loading, so the registry takes them.
    return GradientBoostingClassifier(
        n_estimators=150, learning_rate=0.05, max_depth=4, subsample=0.5, random_state=20
    )


def _logistic_regression() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


TASK = TabularTask(
    name=NAME,
    file="credit/creditcard.csv",
    columns=(
        "LIMIT_BAL",
        *_STATUS,
        *(f"BILL_AMT{month}" for month in range(1, 7)),
        *(f"PAY_AMT{month}" for month in range(1, 7)),
    ),
    target="default payment next month",
    classes={"0": "paid", "1": "default"},
    positive="default",
    estimator=_boosted_trees,
    baseline=_logistic_regression,
    baseline_name="logistic regression",
    card=_CARD,
)


def train_credit(data: Path) -> TrainedModel:
    """Train the credit risk predictor."""
    return train_tabular(TASK, data)
