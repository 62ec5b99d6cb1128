"""Counts observations in windows, and computes the rows of the tables from their states."""

import math
from collections.abc import Sequence

import numpy as np

from trimtab.models.monitoring.corrections import CorrectionKind, InputCorrection, corrected
from trimtab.models.monitoring.drift import FeatureDrift, judge_window
from trimtab.models.monitoring.observations import Observation
from trimtab.models.monitoring.performance import Confusion, Estimate, estimate, measure
from trimtab.models.monitoring.profile import ReferenceProfile
from trimtab.models.monitoring.records import FeatureWindow, MetricWindow, MonitoredModel
from trimtab.models.monitoring.tables import Block, columns_of, fit_columns
from trimtab.models.monitoring.window import WindowState

FAMILY_LEVEL = 0.01
"""Probability that any feature of a window raises a false alarm."""


def fold(
    model: MonitoredModel,
    corrections: Sequence[InputCorrection],
    state: WindowState,
    observed: Sequence[Observation],
    columns: Block | None = None,
) -> None:
    """Count observations of a model in the state of their window.

    Args:
        model: Whose observations they are.
        corrections: Of its inputs.
        state: Of the window.
        observed: What was observed in it.
        columns: The features of all of them, instead of those in each observation.
    """
    made = [each for each in observed if each.error is None]
    state.errors += len(observed) - len(made)
    state.rows += len(made)
    rows = [each.features for each in made if each.features]
    block, count = (columns_of(rows), len(rows)) if columns is None else (columns, len(observed))
    if count:
        fitted = fit_columns(block, model.reference)
        scaled = corrected(fitted, (c for c in corrections if c.kind is CorrectionKind.SCALE))
        filled = frozenset(c.feature for c in corrections if c.kind is CorrectionKind.FILL)
        state.add_features(model.reference, scaled, count, filled)
    scored = [each for each in made if each.score is not None]
    if scored:
        positive = model.reference.positive
        state.add_scores(
            model.reference,
            np.fromiter((each.score or 0.0 for each in scored), np.float64, len(scored)),
            np.fromiter(
                (model.prediction_of(each) == positive for each in scored), np.bool_, len(scored)
            ),
        )
    state.latency.add(np.fromiter((each.latency_seconds for each in made), np.float64, len(made)))


def estimate_of(reference: ReferenceProfile, state: WindowState) -> Estimate:
    """Return the estimate; all NaN when nothing tells how scores and labels relate."""
    scores = state.scores if reference.calibration else np.zeros_like(state.scores)
    return estimate(scores, reference.calibration, reference.estimate_error)


def merge_states(model: MonitoredModel, states: dict[str, WindowState]) -> WindowState:
    """Return the states of several windows as one."""
    whole = WindowState.empty(model.reference)
    for state in states.values():
        whole.merge(state)
    return whole


def window_rows(
    model: MonitoredModel,
    span: tuple[str, str],
    state: WindowState,
    confusion: Confusion,
    computed_at: str,
) -> tuple[MetricWindow, list[FeatureWindow]]:
    """Return the rows of the tables for one window."""
    start, end = span
    performance = measure(confusion, model.reference.positive)
    reference = model.reference
    expected = estimate_of(reference, state)
    drift = judge_window(reference, state, FAMILY_LEVEL)
    requests = state.rows + state.errors
    metrics = MetricWindow(
        model.name,
        start,
        end,
        requests,
        state.errors,
        state.errors / requests if requests else math.nan,
        state.latency.quantile(0.5),
        state.latency.quantile(0.99),
        performance.rows,
        performance.f1,
        performance.precision,
        performance.recall,
        performance.accuracy,
        expected.f1,
        expected.f1_error,
        drift.score,
        drift.verdict,
        computed_at,
    )
    return metrics, [_feature_row(model.name, span, each) for each in drift.features]


def _feature_row(model: str, span: tuple[str, str], each: FeatureDrift) -> FeatureWindow:
    start, end = span
    return FeatureWindow(
        model,
        start,
        each.feature,
        end,
        each.rows,
        each.null_rate,
        each.unseen_rate,
        math.nan if each.unit_factor is None else each.unit_factor,
        each.psi,
        each.noise_floor,
        each.verdict,
    )
