"""The fast paths give the numbers of scikit-learn, and only for what they know."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from trimtab.models.predictors.fast_paths import fast_probabilities

RNG = np.random.default_rng(4)
VALUES = RNG.normal(size=(300, 6))
BINARY = (VALUES[:, 0] > 0).astype(int)
THREE = np.digitize(VALUES[:, 1], (-0.5, 0.5))


def stack(**options):
    trees = ExtraTreesClassifier(10, random_state=1)
    scaled = make_pipeline(StandardScaler(), LogisticRegression())
    parts = [("trees", trees), ("linear", scaled)]
    return StackingClassifier(parts, LogisticRegression(), cv=3, **options)


@pytest.mark.parametrize("labels", [BINARY, THREE], ids=["two", "three"])
@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(with_mean=False), LogisticRegression()),
        RandomForestClassifier(20, random_state=1),
        make_pipeline(StandardScaler(), ExtraTreesClassifier(10, random_state=1)),
        stack(),
    ],
    ids=["linear", "scaled", "scaled only", "forest", "scaled trees", "stack"],
)
def test_probabilities_are_those_of_scikit_learn(estimator, labels):
    fitted = estimator.fit(VALUES, labels)
    found = fast_probabilities(fitted)(VALUES)
    assert np.abs(found - fitted.predict_proba(VALUES)).max() < 1e-12


class Other(LogisticRegression):
    """A subclass that may compute something else."""


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(MinMaxScaler(), LogisticRegression()),
        Other(),
        stack(passthrough=True),
        stack(stack_method="predict"),
    ],
    ids=["other scaler", "subclass", "stack with the inputs", "stack of labels"],
)
def test_what_is_not_known_has_no_fast_path(estimator):
    assert fast_probabilities(estimator.fit(VALUES, BINARY)) is None
