"""Answers with a language model when neither a version nor a baseline can."""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import orjson

from trimtab.models.errors import ModelUnavailable
from trimtab.models.ports import FoundationModel
from trimtab.models.records import Manifest
from trimtab.models.rows import Outputs

FOUNDATION = "foundation model"
MAX_ROWS = 20
"""Rows of a request that are sent: each is one call that costs seconds and money."""
_THREADS = 2
_PURPOSE = 300


class FoundationFallback:
    """Classifies the rows of requests with a language model, in threads of its own.

    Args:
        model: The language model.
    """

    def __init__(self, model: FoundationModel) -> None:
        self._model = model
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="models-foundation")

    def start(self, manifest: Manifest, inputs_json: bytes) -> "Future[Outputs]":
        """Start to classify the rows of a request; the result raises `ModelUnavailable`."""
        return self._threads.submit(self.outputs, manifest, inputs_json)

    def outputs(self, manifest: Manifest, inputs_json: bytes) -> Outputs:
        """Return a class for each row; its confidence is not known.

        Raises:
            ModelUnavailable: There are too many rows, or the language model gave no class.
        """
        rows = orjson.loads(inputs_json)
        if len(rows) > MAX_ROWS:
            raise ModelUnavailable(
                f"Model Unavailable: {len(rows)} rows are more than the {MAX_ROWS} that the"
                " foundation model is asked for."
            )
        task = f"{manifest.name}. {' '.join(manifest.card.split())[:_PURPOSE]}"
        found = self._model.classify(task, manifest.classes, rows)
        labels = np.asarray([manifest.classes.index(label) for label in found], dtype=np.intp)
        unknown = np.full(len(labels), np.nan)
        if manifest.positive not in manifest.classes:
            return Outputs(unknown, unknown, manifest.classes, labels)
        is_positive = labels == manifest.classes.index(manifest.positive)
        return Outputs(is_positive.astype(np.float64), unknown, manifest.classes, labels)

    def close(self) -> None:
        """Wait for the calls in work, and start no more."""
        self._threads.shutdown(cancel_futures=True)
