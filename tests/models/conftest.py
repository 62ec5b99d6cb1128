"""A models domain for each test, and predictors that misbehave on demand."""

import threading

import pytest

from tests.models.factory import models_in


@pytest.fixture
def models(tmp_path):
    with models_in(tmp_path / "data") as found:
        yield found


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
