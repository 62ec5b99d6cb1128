"""Small estimators, their samples, and a models domain in a temporary directory."""

from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skops.io import dump

from trimtab.infra.environment import STATE_CHAINS, open_environment
from trimtab.infra.settings import load
from trimtab.kernel.clock import SystemClock
from trimtab.models.context import CHAINS, ModelsContext, open_database
from trimtab.models.packing import Description, describe
from trimtab.models.service import Models

FEATURES = ("amount", "age", "balance")


class NoEncoder:
    """Stands for the embedding model where no text is embedded."""

    model_id = "none"

    def embed(self, texts):
        raise AssertionError("no text is embedded here")

    def read(self, question, texts):
        raise AssertionError("no text is read here")


def sample_rows(count=200, seed=7):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, len(FEATURES)))
    return [dict(zip(FEATURES, map(float, row), strict=True)) for row in values]


def matrix(rows):
    return np.array([[row[name] for name in FEATURES] for row in rows])


def trained(seed=7, shift=0.0):
    """Return a fitted classifier of the classes "no" and "yes"."""
    rows = sample_rows(seed=seed)
    values = matrix(rows)
    labels = np.where(values[:, 0] + 0.5 * values[:, 1] > shift, "yes", "no")
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(values, labels)


def described(estimator=None, name="churn", **fields):
    estimator = trained() if estimator is None else estimator
    return describe(estimator, Description(name=name, sample=sample_rows(), **fields))


def saved(folder: Path, estimator=None, name="model.skops") -> Path:
    file = folder / name
    dump(trained() if estimator is None else estimator, str(file))
    return file


@contextmanager
def models_in(folder: Path, clock=None, encoder=None, databases=None, **settings):
    """Open a models domain on a data directory, and on PostgreSQL when ``databases`` are there."""
    flags = {"service.data_dir": str(folder)}
    if databases is not None and databases.engine == "postgresql":
        url = databases.server("state", (*STATE_CHAINS, *CHAINS, "fleet")).url
        flags |= {"service.database_url": url, "service.allow_unsafe_database": "true"}
    flags |= {f"models.{key}": str(value) for key, value in settings.items()}
    with ExitStack() as closing:
        env = open_environment(load(flags=flags, environment={}), clock or SystemClock(), closing)
        database = open_database(env)
        closing.callback(database.close)
        models = Models(ModelsContext(env, database, encoder or NoEncoder()))
        closing.callback(models.close)
        models.start()
        yield models


def register(models, folder, shift=0.0, name="churn", **fields):
    """Register one version of a small classifier."""
    estimator = trained(shift=shift)
    # Written once: skops puts the time into its archives.
    own = folder / f"shift-{shift}"
    own.mkdir(exist_ok=True)
    file = own / "model.skops"
    if not file.exists():
        saved(own, estimator)
    return models.registry.register(file, described(estimator, name, **fields), "anna")
