"""Faults of trained models, for drills: damaged files, a failing version, a hanging model."""

import threading
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trimtab.kernel.drilling import OWN_PROJECT
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.ids import new_id
from trimtab.kernel.operable import Arguments, Fault, Realism, Value
from trimtab.models.packing import MODEL_FILE, Description, describe
from trimtab.models.records import PRODUCTION
from trimtab.models.rows import Outputs, Rows
from trimtab.models.service import Models

NAME = f"{OWN_PROJECT}model"
_ROWS = 60
_REQUESTS = 8
_WAIT_SECONDS = 600.0


def faults(models: Models) -> tuple[Fault, ...]:
    """Return every fault of the domain."""
    drill = DrillModel(models)
    return (
        Fault(
            "models.artifact.truncate",
            "Register a model, let it serve, and cut the end off its file, as a full disk does.",
            drill.truncate,
            drill.restore,
            realism=Realism.REAL,
        ),
        Fault(
            "models.version.fail",
            "Promote a version that refuses a category which its predecessor accepts, and ask it.",
            drill.fail,
            drill.restore,
            realism=Realism.REAL,
        ),
        Fault(
            "models.predictor.hang",
            "Let the predictor of a registered model hang on a request.",
            drill.hang,
            drill.restore,
            realism=Realism.SIMULATED,
            simulated_because="a stand-in waits in the place of the predictor; no library hangs",
        ),
    )


class DrillModel:
    """A model of its own that serves, to be broken and deleted again."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._released = threading.Event()

    def truncate(self, _: Arguments) -> Mapping[str, Value]:
        """Cut the production version's file in half, and let the check find it."""
        self._serve()
        version = self._models.registry.resolve(NAME)
        file = self._models.registry.artifacts.path(version.digest) / MODEL_FILE
        with file.open("r+b") as stream:
            stream.truncate(file.stat().st_size // 2)
        self._models.verify(NAME)
        return {"model": NAME}

    def fail(self, _: Arguments) -> Mapping[str, Value]:
        """Promote a version that fails on a new category, and send rows with that category."""
        self._serve()
        second = self._register(unknown="error")
        self._models.registry.promote(NAME, second, "drill", "drill: a version that fails")
        for _number in range(_REQUESTS):
            self._ask("elsewhere")
        return {"model": NAME}

    def hang(self, _: Arguments) -> Mapping[str, Value]:
        """Put a predictor that waits in the place of the loaded one, and ask it."""
        self._serve()
        self._released.clear()
        served = self._models.serving.ready(NAME).routing.servers[PRODUCTION]
        served.stand_in = _Hanging(self._released)
        threading.Thread(target=self._ask, args=("north",), daemon=True).start()
        return {"model": NAME}

    def restore(self, _: Mapping[str, Value]) -> None:
        """Release what hangs, and delete the model."""
        self._released.set()
        self._models.serving.drop(NAME)
        self._models.registry.forget_drill(NAME)

    def _serve(self) -> None:
        first = self._register(unknown="ignore")
        self._models.registry.promote(NAME, first, "drill", "drill: a version that serves")
        self._models.serving.refresh(NAME, reload=True)

    def _register(self, unknown: str) -> int:
        from skops.io import dump

        rows = _sample()
        estimator = _fit(rows, unknown)
        manifest = describe(estimator, Description(name=NAME, sample=rows))
        with TemporaryDirectory() as folder:
            file = Path(folder) / MODEL_FILE
            dump(estimator, str(file))
            return self._models.registry.register(file, manifest, "drill").version

    def _ask(self, region: str) -> None:
        serving = self._models.serving
        try:
            row = {"amount": 1.0, "region": region}
            serving.predict_now(NAME, [row], new_id("drill", serving.clock.now()), probe=True)
        except TrimtabError:
            return  # The failure is what the fault is for.


class _Hanging:
    """Waits until it is released, and then gives nothing."""

    def __init__(self, released: threading.Event) -> None:
        self._released = released

    def predict(self, rows: Rows) -> Outputs:
        """Wait, and then fail."""
        self._released.wait(_WAIT_SECONDS)
        raise TimeoutError(f"{len(rows)} rows were not predicted")


def _sample() -> list[dict[str, Any]]:
    regions = ("north", "south")
    return [{"amount": float(at % 13), "region": regions[at % 2]} for at in range(_ROWS)]


def _fit(rows: list[dict[str, Any]], unknown: str) -> Any:
    import numpy as np
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    table = np.array([[row["amount"], row["region"]] for row in rows], dtype=object)
    labels = ["high" if row["amount"] > 6 else "low" for row in rows]
    encoder = OneHotEncoder(handle_unknown=unknown)
    columns = make_column_transformer((encoder, [1]), remainder="passthrough")
    return make_pipeline(columns, LogisticRegression()).fit(table, labels)
