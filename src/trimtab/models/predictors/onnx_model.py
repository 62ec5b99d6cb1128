"""Predicts with ONNX Runtime on numeric rows."""

from pathlib import Path
from typing import Any

import numpy as np

from trimtab.models.errors import ArtifactRefused, BadManifest, LibraryMissing
from trimtab.models.predictors.sklearn_model import class_outputs
from trimtab.models.records import Manifest
from trimtab.models.rows import Floats, Outputs, Rows


class OnnxPredictor:
    """A converted model; the golden batch of the version it comes from proves the conversion.

    Raises:
        LibraryMissing: ONNX Runtime is not installed.
        ArtifactRefused: The file is not an ONNX model that the runtime can run.
        BadManifest: Inputs or outputs are not those of a classifier or regressor on numbers.
    """

    def __init__(self, file: Path, manifest: Manifest) -> None:
        if not manifest.schema.is_numeric:
            raise BadManifest("An ONNX model takes numbers; its schema has texts or categories.")
        self._session = _session(file)
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise BadManifest(f"{file.name} has {len(inputs)} inputs; one matrix is expected.")
        self._input = inputs[0].name
        self._dtype = np.float64 if "double" in inputs[0].type else np.float32
        self._output = _output(self._session, bool(manifest.classes))
        self._classes = manifest.classes
        self._positive = (
            manifest.classes.index(manifest.positive)
            if manifest.positive in manifest.classes
            else None
        )

    def predict(self, rows: Rows) -> Outputs:
        """Return one output for each row."""
        if rows.values is None:
            raise BadManifest("An ONNX model takes numbers only.")
        given = {self._input: rows.values.astype(self._dtype)}
        found: Floats = np.asarray(self._session.run([self._output], given)[0], dtype=np.float64)
        if not self._classes:
            values = found.reshape(-1)
            return Outputs(values, np.full(len(values), np.nan))
        return class_outputs(found, self._classes, self._positive)


def _session(file: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise LibraryMissing(
            "ONNX models need ONNX Runtime, which is not installed.",
            hint="Install it with `pip install 'trimtab[onnx]'`.",
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        # From memory, so that the model cannot name files next to it.
        return onnxruntime.InferenceSession(
            file.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    # The runtime has no common class of errors.
    except Exception as error:
        raise ArtifactRefused(f"{file.name} is not an ONNX model that can run: {error}.") from error


def _output(session: Any, is_classifier: bool) -> str:
    """Return the name of the output with probabilities, or with the predicted number."""
    tensors = [out for out in session.get_outputs() if out.type.startswith("tensor(")]
    floats = [out for out in tensors if "float" in out.type or "double" in out.type]
    if not floats:
        what = "probabilities" if is_classifier else "number"
        raise BadManifest(
            f"The ONNX model has no output with the {what} as a tensor.",
            hint='Convert a classifier with skl2onnx\'s options={"zipmap": False}.',
        )
    return str(floats[-1].name)
