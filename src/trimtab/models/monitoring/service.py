"""Monitors models: takes their predictions and labels, and judges them window by window."""

import json
import math
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import content_id
from trimtab.models.monitoring.corrections import InputCorrection
from trimtab.models.monitoring.drift import DriftVerdict, judge_window
from trimtab.models.monitoring.errors import (
    BadBatch,
    BadReference,
    LabelConflict,
    NotMonitored,
    PredictionUnknown,
)
from trimtab.models.monitoring.folding import (
    FAMILY_LEVEL,
    estimate_of,
    fold,
    merge_states,
    window_rows,
)
from trimtab.models.monitoring.observations import (
    SKEW,
    Label,
    Observation,
    parse_labels,
    parse_observations,
)
from trimtab.models.monitoring.performance import measure
from trimtab.models.monitoring.profile import ReferenceProfile
from trimtab.models.monitoring.records import MonitoredModel
from trimtab.models.monitoring.status import BatchResult, MonitoredStatus, MonitoringOptions
from trimtab.models.monitoring.store import MonitoringStore
from trimtab.models.monitoring.tables import Block
from trimtab.models.monitoring.window import WindowState

FOLLOWS_REGISTRY = "version "
"""Begins the source of a reference that changes with the version in production."""
_LOOKBACK = timedelta(hours=24)
"""How far back a judgement reaches when the recent windows have too few rows."""
_SHOWN_IDS = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class ModelMonitor:
    """Takes observations and labels, computes windows, and judges the recent ones.

    Args:
        store: References, predictions and windows.
        clock: Of the service.
        options: Windows and retention.
        note_change: Called with actor, action and subject for what diagnosis should know of, such
            as the first import of a window.
        registered: Returns the reference of a model's version in production and its source, or
            None; it is used for models that have no reference of their own.
    """

    def __init__(
        self,
        store: MonitoringStore,
        clock: Clock,
        options: MonitoringOptions | None = None,
        note_change: Callable[[str, str, str], object] = lambda *_: None,
        registered: Callable[[str], tuple[ReferenceProfile, str] | None] = lambda _: None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.options = options or MonitoringOptions()
        self.note_change = note_change
        self._registered = registered
        self._models = {model.name: model for model in store.models()}
        self._corrections = {name: store.corrections(name) for name in self._models}
        self._status: dict[str, MonitoredStatus] = {}
        self._lock = threading.RLock()
        """Held while a model is judged or forgotten, so that nothing of it is written later."""

    # -- references

    def set_reference(
        self, name: str, reference: ReferenceProfile, source: str, actor: str
    ) -> MonitoredModel:
        """Monitor a model against a reference; windows of a former one are not mixed in.

        Raises:
            BadReference: The name is not allowed.
        """
        if not _NAME.fullmatch(name):
            raise BadReference(
                f"Invalid model name {name[:100]!r}.",
                hint='Use lower-case letters, digits, "-" and "_"; 1 to 64 characters.',
            )
        return self._put(name, reference, source, actor)

    def model(self, name: str) -> MonitoredModel:
        """Return a monitored model, or raise `NotMonitored`.

        A model that the registry knows is monitored from its first use on.
        """
        if name not in self._models:
            found = self._registered(name)
            if found is None:
                raise NotMonitored(f"The model {name!r} is not monitored.")
            return self._put(name, *found, "registry")
        return self._models[name]

    def models(self) -> list[MonitoredModel]:
        """Return the monitored models, by name."""
        return [self._models[name] for name in sorted(self._models)]

    def forget(self, name: str) -> None:
        """Stop monitoring a model and delete what is kept of it."""
        with self._lock:
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
        # What was observed before the first reference may be sent and labelled later.
        since = _EPOCH if known is None else self.clock.now()
        model = MonitoredModel(name, reference, reference_id, source, since, actor)
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
        self,
        model: MonitoredModel,
        observations: Sequence[Observation],
        actor: str,
        columns: Block | None = None,
    ) -> BatchResult:
        """Store parsed observations of a model.

        Args:
            model: Whose observations they are.
            observations: In any order; an id counts once.
            actor: Who sent them; empty for this process.
            columns: The features of all of them, instead of those in each observation.
        """
        corrections = self._corrections[model.name]

        def count(state: WindowState, positions: list[int]) -> None:
            observed = [observations[at] for at in positions]
            chosen = columns and {name: column[positions] for name, column in columns.items()}
            fold(model, corrections, state, observed, chosen)

        new = self.store.add_observations(model, observations, self._window_start, count)
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
        for known in self.models():
            with self._lock:
                if known.name not in self._models:
                    continue
                model = self._followed(self._models[known.name])
                self._compute(model)
                self._status[model.name] = self._judge(model)

    def _followed(self, model: MonitoredModel) -> MonitoredModel:
        """Return the model with the reference of the version that is in production now."""
        if not model.source.startswith(FOLLOWS_REGISTRY):
            return model
        found = self._registered(model.name)
        if found is None or found[1] == model.source:
            return model
        return self._put(model.name, *found, "registry")

    def drop_old(self) -> None:
        """Delete what is older than it is kept."""
        self.store.drop_before(self._window_start(self.clock.now() - self.options.keep))

    def status(self, name: str) -> MonitoredStatus:
        """Return the newest judgement about a model, or raise `NotMonitored`."""
        model = self.model(name)
        if name not in self._status:
            self._status[name] = self._judge(model)
        return self._status[name]

    def statuses(self) -> list[MonitoredStatus]:
        """Return the newest judgement about each model; models without one are left out."""
        return [status for _, status in sorted(self._status.copy().items())]

    def _window_start(self, at: datetime) -> str:
        seconds = self.options.window.total_seconds()
        start = at.timestamp() // seconds * seconds
        return datetime.fromtimestamp(start, UTC).isoformat()

    def _window_end(self, start: str) -> str:
        return (datetime.fromisoformat(start) + self.options.window).isoformat()

    def _judge(self, model: MonitoredModel) -> MonitoredStatus:
        now = self.clock.now()
        recent = self._window_start(now - self.options.recent)
        states = self.store.states(model, min(recent, self._window_start(now - _LOOKBACK)))
        newest = {start: state for start, state in states.items() if start >= recent}
        state = merge_states(model, newest)
        drift = judge_window(model.reference, state, FAMILY_LEVEL)
        since = recent
        if drift.verdict is DriftVerdict.NOT_ENOUGH_DATA:
            drift = judge_window(model.reference, merge_states(model, states), FAMILY_LEVEL)
        confusion = self.store.confusion(model, recent, self._window_end(self._window_start(now)))
        # Labels are late by nature: without any in the recent windows those of a day are judged.
        if not confusion:
            day = self._window_start(now - _LOOKBACK)
            confusion = self.store.confusion(model, day, recent)
        reference = model.reference
        return MonitoredStatus(
            model.name,
            now,
            datetime.fromisoformat(since),
            state.rows + state.errors,
            state.errors,
            state.latency.quantile(0.5),
            state.latency.quantile(0.99),
            measure(confusion, reference.positive),
            estimate_of(reference, state),
            self._label_share(model, now),
            drift,
        )

    def _label_share(self, model: MonitoredModel, now: datetime) -> float:
        if not self.store.has_labels(model.name):
            return math.nan
        until = self._window_start(now - _LOOKBACK)
        since = self._window_start(now - 2 * _LOOKBACK)
        predictions, labelled = self.store.label_counts(model.name, since, until)
        return labelled / predictions if predictions else math.nan

    def _compute(self, model: MonitoredModel) -> None:
        changed = self.store.changed_windows(model)
        if not changed:
            return
        states = self.store.states(model, min(changed))
        metrics, features = [], []
        for start in changed:
            span = (start, self._window_end(start))
            confusion = self.store.confusion(model, *span)
            at = self.clock.now().isoformat()
            found = window_rows(model, span, states[start], confusion, at)
            metrics.append(found[0])
            features += found[1]
        self.store.put_windows(model, changed, metrics, features)


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
