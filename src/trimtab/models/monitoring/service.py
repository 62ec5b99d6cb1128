"""Monitors models: takes their predictions and labels, and judges them window by window."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import content_id
from trimtab.models.monitoring.corrections import InputCorrection, corrected
from trimtab.models.monitoring.drift import ModelDrift, Verdict, judge_window
from trimtab.models.monitoring.errors import (
    BadBatch,
    LabelConflict,
    NotMonitored,
    PredictionUnknown,
)
from trimtab.models.monitoring.observations import (
    SKEW,
    Label,
    Observation,
    parse_labels,
    parse_observations,
)
from trimtab.models.monitoring.performance import Estimate, Performance, estimate, measure
from trimtab.models.monitoring.profile import ReferenceProfile
from trimtab.models.monitoring.records import FeatureWindow, MetricWindow, MonitoredModel
from trimtab.models.monitoring.store import MonitoringStore
from trimtab.models.monitoring.tables import columns_of, fit_columns
from trimtab.models.monitoring.window import WindowState

DRILL_PREFIX = "drill-"
_FAMILY_LEVEL = 0.01
_LOOKBACK = timedelta(hours=24)
"""How far back a judgement reaches when the recent windows have too few rows."""
_SHOWN_IDS = 5


@dataclass(frozen=True, slots=True)
class MonitoringOptions:
    """Windows and retention of the monitoring of models."""

    window: timedelta = timedelta(minutes=15)
    recent: timedelta = timedelta(minutes=60)
    """What a judgement looks at."""
    keep: timedelta = timedelta(days=30)
    drift_p1: float = 0.4
    """Overall PSI above which drift is critical."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch."""

    received: int
    stored: int
    repeated: int
    """Lines whose id was known already; they change nothing."""
    ignored_features: tuple[str, ...] = ()
    """Features that the reference does not have."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Judgement about the recent windows of a model."""

    model: str
    at: datetime
    since: datetime
    requests: int
    errors: int
    latency_p50_seconds: float
    latency_p99_seconds: float
    performance: Performance
    estimate: Estimate
    label_share: float
    """Share of predictions of a day ago that have a label by now; NaN without any."""
    drift: ModelDrift

    @property
    def error_rate(self) -> float:
        """Return the share of failed requests; NaN without requests."""
        return self.errors / self.requests if self.requests else math.nan

    @property
    def is_drill(self) -> bool:
        """Return whether the model is one of a drill."""
        return self.model.startswith(DRILL_PREFIX)


class ModelMonitor:
    """Takes observations and labels, computes windows, and judges the recent ones.

    Args:
        store: References, predictions and windows.
        clock: Of the service.
        options: Windows and retention.
        note_change: Called with actor, action and subject for what diagnosis should know of, such
            as the first import of a window.
    """

    def __init__(
        self,
        store: MonitoringStore,
        clock: Clock,
        options: MonitoringOptions | None = None,
        note_change: Callable[[str, str, str], object] = lambda *_: None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.options = options or MonitoringOptions()
        self.note_change = note_change
        self._models = {model.name: model for model in store.models()}
        self._corrections = {name: store.corrections(name) for name in self._models}
        self._status: dict[str, ModelStatus] = {}

    # -- references

    def set_reference(
        self, name: str, reference: ReferenceProfile, source: str, actor: str
    ) -> MonitoredModel:
        """Monitor a model against a reference; windows of a former one are not mixed in."""
        return self._put(name, reference, source, actor)

    def model(self, name: str) -> MonitoredModel:
        """Return a monitored model, or raise `NotMonitored`."""
        if name not in self._models:
            raise NotMonitored(f"The model {name!r} is not monitored.")
        return self._models[name]

    def models(self) -> list[MonitoredModel]:
        """Return the monitored models, by name."""
        return [self._models[name] for name in sorted(self._models)]

    def forget(self, name: str) -> None:
        """Stop monitoring a model and delete what is kept of it."""
        self.store.forget_model(name)
        self._models.pop(name, None)
        self._corrections.pop(name, None)
        self._status.pop(name, None)

    # -- corrections

    def corrections(self, name: str) -> list[InputCorrection]:
        """Return the corrections of a model's inputs."""
        return list(self._corrections.get(name, ()))

    def correct(self, correction: InputCorrection, actor: str) -> None:
        """Correct a feature of what comes in from now on; judgements start afresh."""
        model = self.model(correction.model)
        if correction.feature not in {each.feature for each in model.reference.features}:
            raise NotMonitored(
                f"The model {model.name!r} has no feature {correction.feature!r}.",
                hint=f"It has: {', '.join(f.feature for f in model.reference.features[:20])}.",
            )
        self.store.put_correction(correction, self.clock.now(), actor)
        self._put(model.name, model.reference, model.source, actor)

    def uncorrect(self, name: str, feature: str, actor: str) -> None:
        """Take a correction back."""
        model = self.model(name)
        self.store.drop_correction(name, feature)
        self._put(name, model.reference, model.source, actor)

    def _put(
        self, name: str, reference: ReferenceProfile, source: str, actor: str
    ) -> MonitoredModel:
        corrections = self.store.corrections(name)
        text = json.dumps(reference.to_json(), sort_keys=True)
        # Windows before and after a correction are not comparable either.
        pairs = [f"{c.feature}:{c.kind}:{c.value}" for c in corrections]
        reference_id = content_id("reference", text, *pairs)
        known = self._models.get(name)
        if known is not None and known.reference_id == reference_id:
            return known
        now = self.clock.now()
        model = MonitoredModel(name, reference, reference_id, source, now, actor)
        self.store.put_model(model)
        self._models[name], self._corrections[name] = model, corrections
        self._status.pop(name, None)
        return model

    # -- batches

    def add_observations(self, name: str, body: bytes, actor: str = "") -> BatchResult:
        """Store a batch of observations: JSON lines, all or nothing, each id once.

        Raises:
            NotMonitored: The model has no reference.
            BadBatch: A line is not usable.
            BatchTooLarge: There are too many lines.
        """
        model, now = self.model(name), self.clock.now()
        observations = parse_observations(body, now, now - self.options.keep)
        ignored = _unknown_features(model, observations)
        return replace(self.record(model, observations, actor), ignored_features=ignored)

    def record(
        self, model: MonitoredModel, observations: Sequence[Observation], actor: str
    ) -> BatchResult:
        """Store parsed observations of a model."""
        corrections = self._corrections[model.name]

        def fold(state: WindowState, observed: list[Observation]) -> None:
            _fold(model, corrections, state, observed)

        new = self.store.add_observations(model, observations, self._window_start, fold)
        if new and actor:
            self.note_change(actor, "models.observations_imported", model.name)
        return BatchResult(len(observations), new, len(observations) - new)

    def add_labels(self, name: str, body: bytes) -> BatchResult:
        """Store a batch of labels: JSON lines, all or nothing.

        Raises:
            NotMonitored: The model has no reference.
            BadBatch: A line is not usable, or a label is dated before its prediction.
            PredictionUnknown: A prediction was never observed.
            LabelConflict: A prediction has another label.
        """
        model, now = self.model(name), self.clock.now()
        labels = parse_labels(body, now, now - self.options.keep)
        known = self.store.predictions(name, [label.id for label in labels])
        unknown = [label.id for label in labels if label.id not in known]
        if unknown:
            raise PredictionUnknown(
                f"{len(unknown)} of {len(labels)} labels are of unknown predictions:"
                f" {', '.join(unknown[:_SHOWN_IDS])}."
            )
        chosen: dict[str, Label] = {}
        for label in labels:
            former = chosen[label.id].label if label.id in chosen else known[label.id].label
            if former is not None and former != label.label and not label.correct:
                raise LabelConflict(
                    f"The prediction {label.id!r} has the label {former!r}; {label.label!r} is"
                    " another one."
                )
            if label.at < known[label.id].at - SKEW:
                raise BadBatch(
                    f"The label of {label.id!r} is dated before its prediction; set the sender's"
                    " clock."
                )
            if former != label.label:
                chosen[label.id] = label
        if chosen:
            windows = {known[prediction].window_start for prediction in chosen}
            self.store.set_labels(model.name, list(chosen.values()), windows)
        return BatchResult(len(labels), len(chosen), len(labels) - len(chosen))

    # -- judgements

    def run_once(self) -> None:
        """Compute the windows that changed, and judge the recent ones of every model."""
        for model in self.models():
            self._compute(model)
            self._status[model.name] = self._judge(model)

    def drop_old(self) -> None:
        """Delete what is older than it is kept."""
        self.store.drop_before(self._window_start(self.clock.now() - self.options.keep))

    def status(self, name: str) -> ModelStatus:
        """Return the newest judgement about a model, or raise `NotMonitored`."""
        model = self.model(name)
        if name not in self._status:
            self._status[name] = self._judge(model)
        return self._status[name]

    def statuses(self) -> list[ModelStatus]:
        """Return the newest judgement about each model; models without one are left out."""
        return [self._status[name] for name in sorted(self._status)]

    def _window_start(self, at: datetime) -> str:
        seconds = self.options.window.total_seconds()
        start = at.timestamp() // seconds * seconds
        return datetime.fromtimestamp(start, UTC).isoformat()

    def _window_end(self, start: str) -> str:
        return (datetime.fromisoformat(start) + self.options.window).isoformat()

    def _judge(self, model: MonitoredModel) -> ModelStatus:
        now = self.clock.now()
        recent = self._window_start(now - self.options.recent)
        states = self.store.states(model, min(recent, self._window_start(now - _LOOKBACK)))
        newest = {start: state for start, state in states.items() if start >= recent}
        merged = _merged(model, newest)
        drift = judge_window(model.reference, merged, _FAMILY_LEVEL)
        since = recent
        if drift.verdict is Verdict.NOT_ENOUGH_DATA:
            drift = judge_window(model.reference, _merged(model, states), _FAMILY_LEVEL)
        confusion = self.store.confusion(model, recent, self._window_end(self._window_start(now)))
        # Labels are late by nature: without any in the recent windows those of a day are judged.
        if not confusion:
            day = self._window_start(now - _LOOKBACK)
            confusion = self.store.confusion(model, day, recent)
        reference = model.reference
        return ModelStatus(
            model.name,
            now,
            datetime.fromisoformat(since),
            merged.rows + merged.errors,
            merged.errors,
            merged.latency.quantile(0.5),
            merged.latency.quantile(0.99),
            measure(confusion, reference.positive),
            estimate(merged.scores, reference.calibration, reference.estimate_error),
            self._label_share(model, now),
            drift,
        )

    def _label_share(self, model: MonitoredModel, now: datetime) -> float:
        until = self._window_start(now - _LOOKBACK)
        since = self._window_start(now - 2 * _LOOKBACK)
        predictions, labelled = self.store.label_counts(model.name, since, until)
        return labelled / predictions if predictions else math.nan

    def _compute(self, model: MonitoredModel) -> None:
        dirty = self.store.dirty_windows(model)
        if not dirty:
            return
        states = self.store.states(model, dirty[0])
        metrics, features = [], []
        for start in dirty:
            state = states.get(start) or WindowState.empty(model.reference)
            found = self._window(model, start, state)
            metrics.append(found[0])
            features += found[1]
        self.store.put_windows(metrics, features)

    def _window(
        self, model: MonitoredModel, start: str, state: WindowState
    ) -> tuple[MetricWindow, list[FeatureWindow]]:
        end = self._window_end(start)
        performance = measure(self.store.confusion(model, start, end), model.reference.positive)
        reference = model.reference
        expected = estimate(state.scores, reference.calibration, reference.estimate_error)
        drift = judge_window(reference, state, _FAMILY_LEVEL)
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
            self.clock.now().isoformat(),
        )
        features = [
            FeatureWindow(
                model.name,
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
            for each in drift.features
        ]
        return metrics, features


def _merged(model: MonitoredModel, states: dict[str, WindowState]) -> WindowState:
    whole = WindowState.empty(model.reference)
    for state in states.values():
        whole.merge(state)
    return whole


def _unknown_features(
    model: MonitoredModel, observations: Sequence[Observation]
) -> tuple[str, ...]:
    known = {each.feature for each in model.reference.features}
    given = {name for each in observations for name in each.features}
    if given and not given & known:
        raise BadBatch(
            f"None of the features is known to the model {model.name!r}:"
            f" {', '.join(sorted(given)[:_SHOWN_IDS])}.",
            hint=f"Its reference has: {', '.join(sorted(known)[:20])}. Nothing was stored.",
        )
    return tuple(sorted(given - known))


def _fold(
    model: MonitoredModel,
    corrections: Sequence[InputCorrection],
    state: WindowState,
    observed: Sequence[Observation],
) -> None:
    made = [each for each in observed if each.error is None]
    state.errors += len(observed) - len(made)
    state.rows += len(made)
    rows = [each.features for each in made if each.features]
    if rows:
        columns = fit_columns(columns_of(rows), model.reference)
        state.add_features(model.reference, corrected(columns, corrections), len(rows))
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
