"""Rows and estimators that the service and its peers both serve; of scikit-learn and numpy alone."""

import json

import numpy as np

FEATURES = 30
NAMES = [f"f{at}" for at in range(FEATURES)]


def training_set():
    """Return rows and labels of two classes."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(4000, FEATURES))
    return values, (values[:, 0] + values[:, 1] ** 2 > 1).astype(int)


def estimator(name):
    """Return the fitted estimator of that name: ``linear`` or ``forest``."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values, labels = training_set()
    if name == "linear":
        return make_pipeline(StandardScaler(), LogisticRegression()).fit(values, labels)
    return RandomForestClassifier(100, max_depth=8, random_state=1).fit(values, labels)


def sample_rows(count=500):
    values, _ = training_set()
    return [dict(zip(NAMES, map(float, row), strict=True)) for row in values[:count]]


def bodies(count, *, tensors=False):
    """Return that many different requests of one row: JSON objects, or tensors of the Open Inference Protocol."""
    rng = np.random.default_rng(5)
    values, _ = training_set()
    rows = values[rng.integers(len(values), size=count)] + rng.normal(size=(count, FEATURES))
    return [_tensor(row) if tensors else _object(row) for row in rows.tolist()]


def _object(row):
    return json.dumps({"rows": [dict(zip(NAMES, row, strict=True))]}).encode()


def _tensor(row):
    tensor = {"name": "x", "shape": [1, FEATURES], "datatype": "FP64", "data": row}
    return json.dumps({"inputs": [tensor]}).encode()


def drift_set(rows, *, shifted=False):
    """Return columns of numbers; shifted, six of them have drifted."""
    rng = np.random.default_rng(11 + shifted)
    found = {name: rng.normal(size=rows) for name in NAMES}
    if shifted:
        for name in NAMES[:6]:
            found[name] += 0.5
    return found
