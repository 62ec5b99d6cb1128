"""Signals of model monitoring, each with the label ``model``."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

from trimtab.kernel.drilling import LABEL, MARK
from trimtab.kernel.operable import Sample, Signal
from trimtab.models.monitoring.drift import FeatureDrift, ModelDrift
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.monitoring.status import MonitoredStatus

_MAX_FEATURES = 20
"""Features exported for a model, the worst first: a scrape must stay cheap."""
_NAMED = 2
"""Features that an alert names."""


def signals(monitor: ModelMonitor) -> tuple[Signal, ...]:
    """Return every signal of the monitoring of models."""
    return (*_metrics(monitor), *_drift(monitor), *_quality(monitor))


def _metrics(monitor: ModelMonitor) -> Iterator[Signal]:
    def of_models(
        name: str, unit: str, text: str, read: Callable[[MonitoredStatus], float], metric: str = ""
    ) -> Signal:
        return Signal(
            name, unit, text, lambda: _of(monitor, read), labels=("model", LABEL), metric=metric
        )

    yield of_models(
        "models.f1",
        "1",
        "F1 of the labelled predictions of the last hour, or of the last day without any.",
        lambda status: status.performance.f1,
    )
    yield of_models(
        "models.labelled",
        "rows",
        "The labelled predictions that the F1 is made of.",
        lambda status: status.performance.rows,
    )
    yield of_models(
        "models.label_share",
        "1",
        "The share of the predictions of a day ago that have a label by now.",
        lambda status: status.label_share,
    )
    yield of_models(
        "models.f1_estimate",
        "1",
        "The F1 that the scores of the last hour let expect, without labels.",
        lambda status: status.estimate.f1,
    )
    yield of_models(
        "models.f1_estimate_error",
        "1",
        "Half the width of the 95 % interval of the expected F1.",
        lambda status: status.estimate.f1_error,
    )
    yield of_models(
        "models.requests",
        "rows",
        "The predictions and failures of the last hour.",
        lambda status: status.requests,
    )
    yield of_models(
        "models.error_rate",
        "1",
        "The share of the last hour's requests that the model failed.",
        lambda status: status.error_rate,
    )
    yield of_models(
        "models.latency.p99",
        "seconds",
        "99 % of the last hour's predictions took no longer.",
        lambda status: status.latency_p99_seconds,
        metric="models_latency_p99_seconds",
    )


def _drift(monitor: ModelMonitor) -> Iterator[Signal]:
    labels = ("model", LABEL)
    yield Signal(
        "models.drift.score",
        "1",
        "The overall PSI of the last hour's inputs, or of the last day's when they are few.",
        lambda: _of(monitor, lambda status: status.drift.score),
        labels=labels,
    )
    yield Signal(
        "models.drift.psi",
        "1",
        "The PSI of a feature; only the 20 features with the largest one.",
        lambda: _of_features(monitor, lambda each: each.psi),
        labels=("model", "feature", LABEL),
    )
    yield Signal(
        "models.drift.scores",
        "1",
        "The PSI of the model's own scores.",
        lambda: _of(monitor, lambda s: s.drift.scores.psi if s.drift.scores else math.nan),
        labels=labels,
    )
    yield Signal(
        "models.drift.unit_factor",
        "1",
        "A feature's values look like those of the reference times this; 1 when they do not.",
        lambda: _of_features(monitor, _factor, lambda each: each.psi),
        labels=("model", "feature", LABEL),
    )
    yield Signal(
        "models.drift.p1_threshold",
        "1",
        "The overall PSI above which drift is critical; the setting `models.drift_p1`.",
        lambda: [Sample(monitor.options.drift_p1)],
    )
    yield Signal(
        "models.drift.top",
        "1",
        "1, with the features that drifted most in the label `top`.",
        lambda: _top(monitor, lambda drift: _named(drift.features, "PSI", lambda f: f.psi)),
        labels=("model", "top", LABEL),
        metric="models_drift_top_info",
    )


def _quality(monitor: ModelMonitor) -> Iterator[Signal]:
    yield Signal(
        "models.quality.null_rate",
        "1",
        "The share of missing values of a feature; only the 20 features with the largest one.",
        lambda: _of_features(monitor, lambda each: each.null_rate),
        labels=("model", "feature", LABEL),
        metric="models_null_rate",
    )
    yield Signal(
        "models.quality.null_rate_reference",
        "1",
        "The share of missing values that the reference has.",
        lambda: _of_features(
            monitor, lambda each: each.reference_null_rate, lambda each: each.null_rate
        ),
        labels=("model", "feature", LABEL),
        metric="models_null_rate_reference",
    )
    yield Signal(
        "models.quality.unseen_rate",
        "1",
        "The share of categories that the reference does not have.",
        lambda: _of_features(monitor, lambda each: each.unseen_rate),
        labels=("model", "feature", LABEL),
        metric="models_unseen_rate",
    )
    yield Signal(
        "models.quality.top",
        "1",
        "1, with the features that miss most values in the label `top`.",
        lambda: _top(monitor, lambda drift: _named(drift.features, "null", lambda f: f.null_rate)),
        labels=("model", "top", LABEL),
        metric="models_null_top_info",
    )


def _mark(status: MonitoredStatus) -> Mapping[str, str]:
    return {"model": status.model, **({LABEL: MARK} if status.is_drill else {})}


def _of(monitor: ModelMonitor, read: Callable[[MonitoredStatus], float]) -> Iterable[Sample]:
    for status in monitor.statuses():
        yield Sample(float(read(status)), _mark(status))


def _factor(each: FeatureDrift) -> float:
    return 1.0 if each.unit_factor is None else each.unit_factor


def _of_features(
    monitor: ModelMonitor,
    read: Callable[[FeatureDrift], float],
    rank: Callable[[FeatureDrift], float] | None = None,
) -> Iterable[Sample]:
    """Yield the values of the features that rank highest, by default by the value itself."""
    order = rank or read
    for status in monitor.statuses():
        labels = _mark(status)
        known = [each for each in status.drift.features if not math.isnan(order(each))]
        for each in sorted(known, key=order, reverse=True)[:_MAX_FEATURES]:
            yield Sample(read(each), {**labels, "feature": each.feature})


def _top(monitor: ModelMonitor, name: Callable[[ModelDrift], str]) -> Iterable[Sample]:
    for status in monitor.statuses():
        if top := name(status.drift):
            yield Sample(1.0, {**_mark(status), "top": top})


def _named(
    features: Iterable[FeatureDrift], what: str, read: Callable[[FeatureDrift], float]
) -> str:
    """Return the worst features for people: ``V14 (PSI=0.8), V17 (PSI=0.6)``."""
    known = [(each.feature, read(each)) for each in features if read(each) > 0]
    worst = sorted(known, key=lambda pair: -pair[1])[:_NAMED]
    # Two digits: the text is a label, so each new text is a new series.
    return ", ".join(f"{name} ({what}={value:.2g})" for name, value in worst)
