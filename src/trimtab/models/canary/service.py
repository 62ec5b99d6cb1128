"""Runs canaries and shadows: gives them requests, and decides at the first valid moment."""

import logging
import threading
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from trimtab.infra.background import PeriodicTask, Worker
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.events import Event
from trimtab.kernel.ids import new_id
from trimtab.models.canary.records import (
    CanaryMode,
    CanaryState,
    ModelCanary,
    ModelCanaryReport,
    RateEvidence,
)
from trimtab.models.canary.sequential import NO_TRIALS, RateVerdict, Trials, bounds, compare
from trimtab.models.canary.store import ArmCounts, CanaryStore
from trimtab.models.context import ModelsContext
from trimtab.models.errors import AliasRefused, VersionUnknown
from trimtab.models.records import CANDIDATE, PRODUCTION
from trimtab.models.registry import Registry
from trimtab.models.serving.records import FailedBatch, ServedBatch
from trimtab.models.serving.service import Serving

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 2.0
_RATES = 2
_SLOW_FACTOR = 2.0
_SLOW_QUANTILE = 0.95
_MIN_SLOW_MS = 5.0
_NO_HISTORY_MS = 1000.0
_SHADOW_QUEUE = 100
ENDED = "models.canary_ended"
"""Event at the end of a canary; its facts are state and reason."""


@dataclass(frozen=True, slots=True)
class CanaryPlan:
    """Parameters of a trial; see `ModelCanary`."""

    version: int
    mode: CanaryMode = CanaryMode.CANARY
    share: float = 0.1
    margin: float = 0.02
    alpha: float = 0.05
    slow_ms: float = 0.0
    """0 takes twice the 95th percentile of what production took lately."""
    max_seconds: float = 86_400.0
    promote: bool = True


@dataclass(slots=True)
class _CanaryCounts:
    """Counts of a running canary."""

    last: int = 0
    arms: dict[int, ArmCounts] = field(default_factory=dict)
    shadow_errors: Trials = NO_TRIALS
    production_errors: Trials = NO_TRIALS
    compared: int = 0
    agreed: int = 0


class Canaries:
    """The canaries of all models. Safe for many threads.

    Args:
        context: Of the domain.
        registry: Moves the aliases.
        serving: Gives a share of the requests to the candidate.
    """

    def __init__(self, context: ModelsContext, registry: Registry, serving: Serving) -> None:
        self._clock, self._events = context.env.clock, context.env.events
        self._registry = registry
        self._serving = serving
        self.store = CanaryStore(context.database)
        self._counted: dict[str, _CanaryCounts] = {}
        self._lock = threading.RLock()
        self._shadows: dict[str, ModelCanary] = {}
        self._mirror: Worker[ServedBatch] = Worker(
            "models shadow", self._predict_shadow, self._clock, _SHADOW_QUEUE
        )
        self._looking = PeriodicTask("models canary", self.look, _LOOK_SECONDS, self._clock)
        serving.observers.append(self._observe)

    @property
    def tasks(self) -> tuple[PeriodicTask, Worker[ServedBatch]]:
        """Return the background tasks."""
        return (self._looking, self._mirror)

    def begin(self, name: str, plan: CanaryPlan, actor: str) -> ModelCanary:
        """Try a version next to production.

        Raises:
            AliasRefused: The version serves already, or expects other columns.
            CanaryRunning: The model has a canary that runs.
        """
        production = self._registry.resolve(name, PRODUCTION)
        candidate = self._registry.resolve(name, str(plan.version))
        if candidate.version == production.version:
            raise AliasRefused(f"{candidate.ref} is in production already.")
        if candidate.manifest.schema.columns != production.manifest.schema.columns:
            raise AliasRefused(
                f"{candidate.ref} expects other columns than {production.ref}, so requests for one"
                " do not fit the other.",
                hint="Promote it when the callers send the new columns.",
            )
        canary = ModelCanary(
            id=new_id("canary", self._clock.now()),
            name=name,
            candidate=candidate.version,
            production=production.version,
            mode=plan.mode,
            share=plan.share,
            margin=plan.margin,
            alpha=plan.alpha,
            slow_ms=plan.slow_ms or self._usual_slow_ms(name),
            max_seconds=plan.max_seconds,
            promote=plan.promote,
            actor=actor,
            started_at=self._clock.now(),
        )
        self._registry.load_version(candidate)
        self.store.add(canary)
        self._registry.move_alias(name, CANDIDATE, canary.candidate, actor, f"{plan.mode} begins")
        self._apply(canary)
        return canary

    def report(self, name: str) -> ModelCanaryReport:
        """Return the newest canary of a model with its evidence.

        Raises:
            ModelUnknown, VersionUnknown: There is no model, or it never had a canary.
        """
        found = self.newest(name)
        if found is None:
            self._registry.versions(name)
            raise VersionUnknown(
                f"Model {name!r} never had a canary.",
                hint=f"`trimtab models canary start {name} VERSION` begins one.",
            )
        return found

    def newest(self, name: str) -> ModelCanaryReport | None:
        """Return the newest canary of a model with its evidence, or None."""
        canary = self.store.newest(name)
        if canary is None:
            return None
        with self._lock:
            return self._report(canary)

    def stop(self, name: str, actor: str, reason: str = "") -> ModelCanary:
        """End the canary of a model; production stays. Raises as `report` does."""
        canary = self.report(name).canary
        if canary.state is CanaryState.RUNNING:
            self._end(canary, CanaryState.STOPPED, reason or f"stopped by {actor}", actor)
        return self.report(name).canary

    def look(self) -> None:
        """Count what was answered since the last look, and decide what can be decided."""
        for canary in self.store.running():
            with self._lock:
                self._decide(canary, self._report(canary))

    def start(self) -> None:
        """Resume the canaries that ran before a restart."""
        for canary in self.store.running():
            self._apply(canary)
        self._looking.start()
        self._mirror.start()

    def close(self) -> None:
        """Stop looking; running canaries resume at the next start."""
        self._looking.close()
        self._mirror.close()

    # Decisions

    def _decide(self, canary: ModelCanary, report: ModelCanaryReport) -> None:
        serving = self._registry.aliases(canary.name).get(PRODUCTION)
        if serving == canary.candidate:
            # A kill came between promotion and this record.
            self._end(canary, CanaryState.PROMOTED, "the candidate is in production", canary.actor)
            return
        if serving != canary.production:
            reason = f"version {serving} was put into production meanwhile"
            self._end(canary, CanaryState.STOPPED, reason, canary.actor)
            return
        worse = [rate for rate in report.rates if rate.evidence is RateVerdict.WORSE]
        if worse:
            self._end(canary, CanaryState.ROLLED_BACK, _worse(worse[0]), "canary")
        elif all(rate.evidence is RateVerdict.NOT_WORSE for rate in report.rates):
            self._pass(canary, report)
        elif self._clock.now() - canary.started_at > timedelta(seconds=canary.max_seconds):
            reason = "it was not shown in time that the candidate is as good as production"
            self._end(canary, CanaryState.ROLLED_BACK, reason, "canary")

    def _pass(self, canary: ModelCanary, report: ModelCanaryReport) -> None:
        reason = "; ".join(_not_worse(rate, canary.margin) for rate in report.rates)
        if not canary.promote or canary.mode is CanaryMode.SHADOW:
            self._end(canary, CanaryState.PASSED, reason, "canary")
            return
        try:
            # The id as key: a kill after the move does not move a second time.
            self._registry.promote(
                canary.name, canary.candidate, f"canary of {canary.actor}", reason, key=canary.id
            )
        except TrimtabError as error:
            self._end(canary, CanaryState.ROLLED_BACK, error.message, "canary")
            return
        self._end(canary, CanaryState.PROMOTED, reason, "canary")

    def _end(self, canary: ModelCanary, state: CanaryState, reason: str, actor: str) -> None:
        self._serving.set_share(canary.name, 0.0)
        self._shadows.pop(canary.name, None)
        keeps = state in (CanaryState.PASSED, CanaryState.PROMOTED)
        if not keeps and self._registry.aliases(canary.name).get(CANDIDATE) == canary.candidate:
            self._registry.move_alias(canary.name, CANDIDATE, None, actor, f"{state}: {reason}")
        now = self._clock.now()
        if self.store.end(canary.id, state, now, reason):
            facts: dict[str, object] = {"state": str(state), "reason": reason}
            self._events.publish(Event(ENDED, now, canary.name, facts))

    def _apply(self, canary: ModelCanary) -> None:
        self._counted[canary.id] = _CanaryCounts()
        if canary.mode is CanaryMode.SHADOW:
            self._shadows[canary.name] = canary
        else:
            self._serving.set_share(canary.name, canary.share)

    # RateVerdict

    def _report(self, canary: ModelCanary) -> ModelCanaryReport:
        counted = self._counted.setdefault(canary.id, _CanaryCounts())
        if canary.mode is CanaryMode.SHADOW:
            rates = (_rate(canary, "errors", counted.production_errors, counted.shadow_errors),)
            agreement = counted.agreed / counted.compared if counted.compared else None
            return ModelCanaryReport(canary, rates, agreement)
        if canary.state is CanaryState.RUNNING or not counted.last:
            found, counted.last = self.store.counts(canary, counted.last)
            for version, counts in found.items():
                counted.arms[version] = counted.arms.get(version, ArmCounts()) + counts
        production = counted.arms.get(canary.production, ArmCounts())
        candidate = counted.arms.get(canary.candidate, ArmCounts())
        return ModelCanaryReport(
            canary,
            (
                _rate(canary, "errors", production.errors, candidate.errors),
                _rate(canary, "slow", production.slow, candidate.slow),
            ),
        )

    def _usual_slow_ms(self, name: str) -> float:
        times = [row.latency_ms for row in self._serving.store.recent(name, limit=1000)]
        if not times:
            return _NO_HISTORY_MS
        usual = float(np.quantile(times, _SLOW_QUANTILE)) * _SLOW_FACTOR
        return max(_MIN_SLOW_MS, usual)

    # Shadows

    def _observe(self, batch: ServedBatch | FailedBatch) -> None:
        """Pass a copy of production's batches to the shadow; a full queue drops it."""
        canary = self._shadows.get(batch.version.name)
        if canary is None or batch.version.version != canary.production:
            return
        if isinstance(batch, FailedBatch):
            with self._lock:
                counted = self._counted[canary.id]
                bad = len(batch.request_ids)
                counted.production_errors += Trials(bad, bad)
        else:
            self._mirror.put(batch)

    def _predict_shadow(self, batch: ServedBatch) -> None:
        canary = self._shadows.get(batch.version.name)
        if canary is None:
            return
        count = len(batch.request_ids)
        version = self._registry.resolve(canary.name, str(canary.candidate))
        failed = False
        agreed = compared = 0
        try:
            found = self._registry.load_version(version).predictor.predict(batch.rows)
            failed = not np.isfinite(found.values).all()
            if found.labels is not None and batch.outputs.labels is not None:
                ours = [found.classes[at] for at in found.labels.tolist()]
                theirs = [batch.outputs.classes[at] for at in batch.outputs.labels.tolist()]
                compared = len(ours)
                agreed = sum(a == b for a, b in zip(ours, theirs, strict=True))
        # No caller waits for a shadow; its failure is what is counted.
        except Exception as error:  # noqa: BLE001
            _log.warning("a shadow failed", extra={"model": version.ref, "error": str(error)[:200]})
            failed = True
        with self._lock:
            counted = self._counted[canary.id]
            counted.production_errors += Trials(count, 0)
            counted.shadow_errors += Trials(count, count if failed else 0)
            counted.compared += compared
            counted.agreed += agreed


def _rate(canary: ModelCanary, name: str, production: Trials, candidate: Trials) -> RateEvidence:
    alpha = canary.alpha / _RATES
    return RateEvidence(
        name,
        production,
        candidate,
        bounds(production, alpha / 2),
        bounds(candidate, alpha / 2),
        compare(production, candidate, canary.margin, alpha),
    )


def _worse(rate: RateEvidence) -> str:
    return (
        f"{rate.rate}: {rate.candidate.bad} of {rate.candidate.count} requests of the candidate,"
        f" {rate.production.bad} of {rate.production.count} of production"
    )


def _not_worse(rate: RateEvidence, margin: float) -> str:
    return f"{_worse(rate)}: not worse by {margin:g} or more"
