"""Makes the earnings analyzer: tone weights, figures, golden batch, model card."""

from pathlib import Path

from trimtab.models.ports import TextEncoder
from trimtab.models.records import ColumnKind, InputColumn, InputSchema
from trimtab.models.trained.assembly import OwnModel, TrainedModel, assemble
from trimtab.models.trained.datasets import file_sha256, find_file
from trimtab.models.trained.earnings.baseline import NAME as BASELINE
from trimtab.models.trained.earnings.baseline import baseline_figures
from trimtab.models.trained.earnings.card import CARD
from trimtab.models.trained.earnings.predictor import TEXT_COLUMN, TONE_FILE, EarningsPredictor
from trimtab.models.trained.earnings.tone import TONES
from trimtab.models.trained.earnings.training import (
    STATEMENTS_FILE,
    cross_validated_tone,
    figures_of,
    fit_tone,
    read_labelled,
)

NAME = "earnings-analyzer"
GOLDEN = (
    "Net sales rose 12% to $3.4 billion and adjusted EPS was $1.42. Demand was strong everywhere.",
    "Revenue fell 8% year over year, and gross margin contracted 140 basis points to 38.2%.",
    "We expect full-year capital expenditures of $90 million to $110 million.",
    "Good morning, and welcome to the conference call.",
)
"""Our own texts: the golden batch holds no text of the training set."""


def train_earnings(data: Path, encoder: TextEncoder) -> TrainedModel:
    """Fit the tone on all labelled sentences; its figures are those of calls left out in turn."""
    sentences = read_labelled(data)
    metrics = figures_of(sentences, cross_validated_tone(sentences))
    baselines = {BASELINE: baseline_figures(sentences)}
    model = OwnModel(
        name=NAME,
        schema=InputSchema((InputColumn(TEXT_COLUMN, ColumnKind.TEXT),)),
        classes=TONES,
        content={TONE_FILE: fit_tone(sentences).to_bytes()},
        golden_rows=[{TEXT_COLUMN: text} for text in GOLDEN],
        metrics=metrics,
        card=CARD.render(metrics, baselines),
        data_sha256=file_sha256(find_file(data, STATEMENTS_FILE)),
        baselines=baselines,
    )
    return assemble(model, EarningsPredictor.load, encoder)
