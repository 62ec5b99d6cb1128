"""Periodically computes answer-quality metrics and caches them for the signals."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trimtab.answers import FeedbackStore, TraceStore
from trimtab.answers.records import Trace
from trimtab.evaluation.online.canary import Canary, CanaryReport
from trimtab.evaluation.online.drift import DriftReport, drift
from trimtab.evaluation.online.metrics import NAN, QualityMetrics, quality_metrics
from trimtab.evaluation.online.store import Baseline, QuestionSample, SampleStore
from trimtab.evaluation.statistics import quantile
from trimtab.infra.background import PeriodicTask
from trimtab.kernel.clock import Clock
from trimtab.kernel.drilling import Apart
from trimtab.kernel.errors import Conflict, TrimtabError

_log = logging.getLogger(__name__)
_KIND = "retrieval"
_MAX_TRACES = 2_000
_EMBEDDED_A_ROUND = 50
_SAMPLES = 400
_KEEP = timedelta(days=30)


class QuestionEmbedder(Protocol):
    """Turns texts into unit vectors whose dot product is their cosine."""

    @property
    def model_id(self) -> str:
        """Vectors of different ids must not be compared."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector for each text; shape (len(texts), dimension)."""
        ...


@dataclass(frozen=True, slots=True)
class QualitySnapshot:
    """Snapshot of the last run; NaN and None where nothing was measured."""

    at: datetime | None = None
    metrics: QualityMetrics = field(default_factory=QualityMetrics)
    cosine_p50: float = NAN
    cosine_baseline: float = NAN
    drift: DriftReport | None = None
    canary: CanaryReport | None = None

    @property
    def cosine_ratio(self) -> float:
        """Return the cosine p50 over its baseline; the contract allows 0.9 to 1.1."""
        return self.cosine_p50 / self.cosine_baseline if self.cosine_baseline else NAN


@dataclass(frozen=True, slots=True)
class MonitoredStores:
    """The stores that the quality monitor reads and writes."""

    traces: TraceStore
    feedback: FeedbackStore
    samples: SampleStore
    """Similarities and question vectors."""


class QualityMonitor:
    """Computes quality metrics once a minute; each run embeds at most 50 questions.

    Args:
        stores: Traces, feedback and samples.
        clock: Tells the window.
        window: How far back the metrics look.
        embedder: Makes the vectors; None leaves similarity and drift out.
        canary: Run each time; None without probes.

    Attributes:
        seen: The snapshot of the last run.
    """

    def __init__(
        self,
        stores: MonitoredStores,
        clock: Clock,
        window: timedelta = timedelta(hours=1),
        embedder: QuestionEmbedder | None = None,
        canary: Canary | None = None,
    ) -> None:
        self._traces = stores.traces
        self._feedback = stores.feedback
        self._samples = stores.samples
        self._clock = clock
        self._window = window
        self._embedder = embedder
        self.canary = canary
        self._interval = 60.0
        self.task = PeriodicTask("answers-watch", self.run_once, lambda: self._interval, clock)
        self._seen = Apart(QualitySnapshot)

    @property
    def seen(self) -> QualitySnapshot:
        """The last snapshot of users' questions and of the canary."""
        return self._seen.users

    def seen_of(self, *, drill: bool) -> QualitySnapshot:
        """Return the last snapshot of the questions of drills or of users."""
        return self._seen.of(drill=drill)

    def run_once(self) -> QualitySnapshot:
        """Compute the metrics now and return the snapshot."""
        now = self._clock.now()
        since = now - self._window
        traces = self._traces.since(since, _MAX_TRACES)
        asked = [trace for trace in traces if not trace.drill]
        drilled = [trace for trace in traces if trace.drill]
        seen = QualitySnapshot(now, quality_metrics(asked, self._feedback.counts_since(since)))
        drills = QualitySnapshot(now, quality_metrics(drilled))
        if self._embedder is not None:
            seen = self._with_similarity(seen, asked, since, self._embedder)
            if drilled:
                drills = self._with_similarity(drills, drilled, since, self._embedder, drill=True)
        if self.canary is not None and self.canary.probes:
            seen = replace(seen, canary=self.canary.run())
        self._samples.drop_before(now - _KEEP)
        self._seen.users, self._seen.drills = seen, drills
        return seen

    def pin_baseline(self, actor: str) -> int:
        """Make the present window the baseline and return its version.

        Raises:
            Conflict: There are fewer than 30 samples, too few to compare with later.
        """
        if self._embedder is None:
            raise Conflict("No embedder is set, so there is nothing to compare.")
        model = self._embedder.model_id
        now = self._clock.now()
        cosines, vectors = self._samples.since(now - self._window, model, _SAMPLES)
        if len(vectors) < 30:
            raise Conflict(
                f"Only {len(vectors)} questions were asked in the window.",
                hint="Wait for at least 30, or widen answers.watch_window_minutes.",
            )
        baseline = Baseline(0, now.isoformat(), actor, model, quantile(cosines, 0.5), vectors)
        return self._samples.pin(_KIND, baseline)

    def unpin_baseline(self, version: int) -> None:
        """Drop that version."""
        self._samples.unpin(_KIND, version)

    def start(self, interval_seconds: float = 60.0) -> None:
        """Run periodically in the background."""
        self._interval = interval_seconds
        self.task.start()

    def close(self) -> None:
        """Stop the background run."""
        self.task.close(timeout=15)

    def _with_similarity(
        self,
        seen: QualitySnapshot,
        traces: list[Trace],
        since: datetime,
        embedder: QuestionEmbedder,
        *,
        drill: bool = False,
    ) -> QualitySnapshot:
        try:
            self._sample(traces, embedder, drill=drill)
        except TrimtabError as error:
            _log.warning("questions were not embedded", extra={"reason": error.message})
        cosines, vectors = self._samples.since(since, embedder.model_id, _SAMPLES, drill=drill)
        baseline = self._samples.baseline(_KIND)
        seen = replace(seen, cosine_p50=quantile(cosines, 0.5))
        if baseline is None or baseline.model_id != embedder.model_id:
            return seen
        found = drift(baseline.vectors, vectors) if len(vectors) else None
        return replace(seen, cosine_baseline=baseline.cosine_p50, drift=found)

    def _sample(
        self, traces: list[Trace], embedder: QuestionEmbedder, *, drill: bool = False
    ) -> None:
        newest = self._samples.newest_at(drill=drill)
        new = [trace for trace in traces if trace.answer.created_at.isoformat() > newest]
        for trace in sorted(new, key=lambda trace: trace.answer.created_at)[-_EMBEDDED_A_ROUND:]:
            quotes = [citation.quote for citation in trace.answer.citations[:3]]
            question, *others = embedder.embed([trace.answer.question, *quotes])
            cosine = max((float(np.dot(question, other)) for other in others), default=NAN)
            at, model = trace.answer.created_at, embedder.model_id
            sample = QuestionSample(trace.id, trace.user_id, at, model, cosine, question)
            self._samples.keep(sample, drill=drill)
