"""Serves one model: picks a version for each request, and falls back when it fails."""

import logging
import threading
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, field

import orjson

from trimtab.infra.breaker import BreakerState
from trimtab.kernel.clock import machine_clock
from trimtab.kernel.errors import TrimtabError
from trimtab.models.errors import ModelUnavailable, PredictionLate
from trimtab.models.records import CANDIDATE, PREVIOUS, PRODUCTION, ModelVersion
from trimtab.models.rows import Outputs
from trimtab.models.serving.baseline import baseline_outputs
from trimtab.models.serving.foundation import FOUNDATION, FoundationFallback
from trimtab.models.serving.records import (
    BASELINE,
    FailedBatch,
    PendingRequest,
    Prediction,
    PredictionOutcome,
)
from trimtab.models.serving.version_server import (
    Admission,
    ServingSinks,
    VersionServer,
    deliver_stored,
    store_error,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Routing:
    """Which version answers; replaced as a whole when an alias moves.

    Attributes:
        production: The version that the alias names; None when there is none.
        servers: The loaded versions by alias. One that could not be loaded is missing.
        failures: Why a version could not be loaded or was taken out, by alias.
        candidate_share: Share of requests that the candidate answers, in [0, 1].
    """

    production: ModelVersion | None = None
    servers: Mapping[str, VersionServer] = field(default_factory=dict)
    failures: Mapping[str, TrimtabError] = field(default_factory=dict)
    candidate_share: float = 0.0


class ModelServer:
    """The serving of one model. Safe for many threads.

    Args:
        name: Of the model.
        sinks: Where results go.
        fallback_enabled: Read for each failure, so that a change applies at once.
        spare: Runs what writes to disk and belongs to no version's thread.
        foundation: Answers when neither a version nor a baseline can; None for none.
    """

    def __init__(
        self,
        name: str,
        sinks: ServingSinks,
        fallback_enabled: Callable[[], bool],
        spare: Executor,
        foundation: FoundationFallback | None = None,
    ) -> None:
        self.name = name
        self.routing = Routing()
        self._sinks = sinks
        self._fallback_enabled = fallback_enabled
        self._spare = spare
        self._foundation = foundation
        self._machine = machine_clock(sinks.clock)
        self.errors = 0
        """Requests that nothing could answer."""
        self.fallbacks = 0
        """Requests that something else than the version that was asked answered."""
        self.failures = 0
        """Attempts that failed or were late."""
        self._counting = threading.Lock()

    def submit(self, pending: PendingRequest, ref: str = "") -> None:
        """Let the request be answered: by the version of ``ref``, or by production or candidate.

        It is answered once, by whatever can; see `PendingRequest.deliver`.
        """
        pending.plan = self._plan(pending, ref)
        self._ask(pending)

    def expire(self, pending: PendingRequest) -> None:
        """Give up the attempt of a request that is late, and ask the next one."""
        stage = pending.stage
        error = PredictionLate(f"{self.name} did not answer in time.")
        server = pending.asked
        if pending.advance(stage, error):
            self._count_failure()
            if server is not None:
                server.breaker.record_failure()
                at = self._sinks.clock.now()
                failed = FailedBatch(
                    server.version, pending.alias, [pending.request_id], error.code, at
                )
                self._sinks.notify(failed)
            self._ask(pending)

    def fail(self, pending: PendingRequest, stage: int, error: TrimtabError) -> None:
        """Ask the next of the plan, because an attempt failed."""
        if pending.advance(stage, error):
            self._count_failure()
            self._ask(pending)

    def _count_failure(self) -> None:
        with self._counting:
            self.failures += 1

    def _plan(self, pending: PendingRequest, ref: str) -> list[str]:
        """Return the aliases to ask, last first."""
        if ref:
            return [ref]
        routing = self.routing
        chosen = [PRODUCTION]
        share = routing.candidate_share if CANDIDATE in routing.servers else 0.0
        if share and _share_of(pending.request_id) < share:
            # A candidate that fails costs no answer, also when other fallbacks are off.
            chosen = [PRODUCTION, CANDIDATE]
        return [PREVIOUS, *chosen] if self._fallback_enabled() else chosen

    def _ask(self, pending: PendingRequest) -> None:
        """Hand the request to the next server that takes it, else answer without one."""
        while pending.plan:
            alias = pending.plan.pop()
            # Read again for each attempt: an alias may have moved since the request came.
            server = self.routing.servers.get(alias)
            while server is not None:
                pending.asked, pending.alias = server, alias
                if not pending.stage:
                    pending.asked_first = server.version.version
                admission = server.submit(pending, alias)
                if admission is Admission.TAKEN:
                    return
                moved = self.routing.servers.get(alias)
                server = moved if admission is Admission.CLOSED and moved is not server else None
            pending.asked = None
            if not pending.advance(pending.stage, pending.error or self._refusal(alias)):
                return
        self._spare.submit(self._answer_without_model, pending)

    def _refusal(self, alias: str) -> TrimtabError:
        routing = self.routing
        server = routing.servers.get(alias)
        if server is not None:
            open_ = server.breaker.state is not BreakerState.CLOSED
            why = "its circuit breaker is open" if open_ else "too many requests wait"
            return ModelUnavailable(f"Model Unavailable: {server.version.ref}: {why}.")
        if alias in routing.failures:
            return routing.failures[alias]
        return ModelUnavailable(
            f"Model Unavailable: {self.name} has no {alias} version.",
            hint=f"`trimtab models promote {self.name} VERSION` lets a version serve.",
        )

    def _answer_without_model(self, pending: PendingRequest) -> None:
        if not pending.claim(pending.stage):
            return
        production = self.routing.production
        if production is None or not self._fallback_enabled():
            self._deliver_error(pending)
        elif (baseline := production.manifest.baseline) is not None:
            outputs = baseline_outputs(production.manifest, baseline, pending.rows)
            self._deliver_fallback(pending, BASELINE, outputs)
        elif self._foundation is not None and production.manifest.classes:
            asked = self._foundation.start(production.manifest, pending.inputs_json)
            asked.add_done_callback(lambda done: self._deliver_foundation(pending, done))
        else:
            self._deliver_error(pending)

    def _deliver_foundation(self, pending: PendingRequest, done: "Future[Outputs]") -> None:
        try:
            outputs = done.result()
        except TrimtabError as error:
            pending.error = error
            self._deliver_error(pending)
        # Whatever the language model's client raises, somebody waits for an answer.
        except (Exception, CancelledError):  # noqa: BLE001
            _log.exception("the foundation model failed", extra={"model": self.name})
            self._deliver_error(pending)
        else:
            self._deliver_fallback(pending, FOUNDATION, outputs)

    def _deliver_fallback(self, pending: PendingRequest, by: str, outputs: Outputs) -> None:
        with self._counting:
            self.fallbacks += 1
        answer = Prediction(
            model=self.name,
            version=0,
            digest="",
            alias=PRODUCTION,
            served_by=by,
            outcome=PredictionOutcome.FALLBACK,
            request_id=pending.request_id,
            outputs=outputs,
            outputs_json=orjson.dumps(outputs.to_json()),
            latency_ms=self._latency_ms(pending),
        )
        deliver_stored(self._sinks, self._sinks.clock.now().isoformat(), [(pending, answer)])

    def _latency_ms(self, pending: PendingRequest) -> float:
        return (self._machine.monotonic() - pending.started) * 1000

    def _deliver_error(self, pending: PendingRequest) -> None:
        with self._counting:
            self.errors += 1
        error = pending.error or self._refusal(PRODUCTION)
        try:
            store_error(self._sinks, self.name, pending, error, self._latency_ms(pending))
        except TrimtabError:
            _log.exception("a failed request could not be stored")
        pending.deliver([(pending, error)])


def _share_of(request_id: str) -> float:
    """Return a number in [0, 1) that depends on the request id only."""
    return zlib.crc32(request_id.encode()) / 2**32
