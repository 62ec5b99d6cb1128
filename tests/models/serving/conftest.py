"""A model that serves, and predictors that misbehave on demand."""

import threading

import pytest

from tests.models.factory import register


class Switchable:
    """Wraps a loaded predictor; a test lets it fail, wait, or give NaN."""

    def __init__(self, inner):
        self.inner = inner
        self.error = None
        self.gate = None
        self.nan = False
        self.batches = []
        self.entered = threading.Event()

    def predict(self, rows):
        self.batches.append(len(rows))
        self.entered.set()
        if self.gate is not None:
            self.gate.wait(20)
        if self.error is not None:
            raise self.error
        found = self.inner.predict(rows)
        if self.nan:
            found.values[:] = float("nan")
        return found


@pytest.fixture
def switch():
    """Return a function that makes the version of an alias misbehave."""

    def wrap(models, alias="production", name="churn"):
        served = models.serving.ready(name).routing.servers[alias]
        wrapped = Switchable(served.loaded.predictor)
        object.__setattr__(served.loaded, "predictor", wrapped)
        return wrapped

    return wrap


@pytest.fixture
def two(models, tmp_path):
    """Return models with churn@1 as previous and churn@2 in production."""
    register(models, tmp_path)
    register(models, tmp_path, shift=0.4)
    models.registry.promote("churn", 1, "anna", "first")
    models.registry.promote("churn", 2, "anna", "second")
    return models
