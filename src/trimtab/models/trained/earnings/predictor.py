"""Predictor of the earnings analyzer: one text a row, statements and score as details."""

from pathlib import Path
from typing import Self

import numpy as np

from trimtab.models.ports import TextEncoder
from trimtab.models.predictors.sklearn_model import class_outputs
from trimtab.models.records import Manifest
from trimtab.models.rows import Outputs, Rows
from trimtab.models.trained.earnings.analyzer import analyse
from trimtab.models.trained.earnings.tone import TONES, ToneModel

TONE_FILE = "tone.json"
TEXT_COLUMN = "text"


class EarningsPredictor:
    """Reads the statements of reports and calls and scores their tone.

    Args:
        tone: Weights of the tone of a sentence.
    """

    def __init__(self, tone: ToneModel) -> None:
        self.tone = tone

    @classmethod
    def load(cls, folder: Path, manifest: Manifest, encoder: TextEncoder) -> Self:
        """Return the predictor of a version's files; it needs no encoder."""
        del manifest, encoder
        return cls(ToneModel.from_bytes((folder / TONE_FILE).read_bytes()))

    def predict(self, rows: Rows) -> Outputs:
        """Return the overall tone of each text, with statements and evidence as details."""
        reports = [analyse(text or "", self.tone) for text in rows.columns[TEXT_COLUMN]]
        outputs = class_outputs(np.asarray([r.probabilities for r in reports]), TONES, None)
        return Outputs(
            np.asarray([report.score for report in reports]),
            outputs.confidence,
            outputs.classes,
            outputs.labels,
            outputs.probabilities,
            tuple(report.details() for report in reports),
        )
