"""Serves every model: loads what aliases name, answers requests, and checks what serves."""

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool

from trimtab.infra.breaker import CircuitBreaker
from trimtab.kernel.clock import machine_clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.events import Event
from trimtab.models.context import ModelsContext
from trimtab.models.errors import ModelUnavailable, TooManyRows, VersionUnknown
from trimtab.models.records import ALIASES, PRODUCTION, InputSchema, ModelVersion
from trimtab.models.registry import Registry
from trimtab.models.registry.golden import check_golden
from trimtab.models.registry.registry import MOVED
from trimtab.models.rows import Rows, parse_rows
from trimtab.models.serving.cache import ResultCache
from trimtab.models.serving.event_loop import LoopDeliverer, expire, give_up
from trimtab.models.serving.foundation import FoundationFallback
from trimtab.models.serving.model_server import ModelServer, Routing
from trimtab.models.serving.records import Observer, PendingRequest, Prediction
from trimtab.models.serving.store import ResultStore
from trimtab.models.serving.version_server import BatchLimits, ServingSinks, VersionServer

_log = logging.getLogger(__name__)
_MB = 1024 * 1024
_FIRST_SHARE = 0.6
"""Share of the deadline after which a fallback is asked."""
_ON_LOOP_ROWS = 200
"""More rows than this are checked in a thread: about 1 ms for 30 columns."""
FAILED = "models.version_failed"
"""Event when a version that serves fails its check; its facts say why."""

Records = Sequence[Mapping[str, Any]]


class Serving:
    """Predictions of all models. Safe for many threads and for the event loop.

    Args:
        context: Of the domain.
        registry: Names and loads the versions.
    """

    def __init__(self, context: ModelsContext, registry: Registry) -> None:
        settings, env = context.settings, context.env
        self._settings = settings
        self._registry = registry
        self.clock, self._events = env.clock, env.events
        self._machine = machine_clock(env.clock)
        self.store = ResultStore(context.database)
        self.cache = ResultCache(
            settings.cache_ttl_seconds, int(settings.cache_max_mb * _MB), self._machine.monotonic
        )
        self.observers: list[Observer] = []
        self.fallback_enabled = settings.fallback_enabled
        self._sinks = ServingSinks(
            self.store, self.cache, self.observers, env.clock, settings.store_inputs
        )
        self._limits = BatchLimits(
            settings.batch_wait_ms / 1000, settings.batch_rows, settings.max_waiting
        )
        self.servers: dict[str, ModelServer] = {}
        self.promoted_at: dict[str, datetime] = {}
        """When the production alias of each model moved last."""
        self._shares: dict[str, float] = {}
        self._refreshing = threading.RLock()
        self._spare = ThreadPoolExecutor(1, thread_name_prefix="models-spare")
        asked = context.foundation if settings.foundation_fallback else None
        self._foundation = None if asked is None else FoundationFallback(asked)
        self._deliverers: dict[int, LoopDeliverer] = {}
        env.events.subscribe(MOVED, self._follow)

    # Requests

    async def predict(
        self,
        name: str,
        records: Records,
        request_id: str,
        *,
        user_id: str = "",
        ref: str = "",
        inputs_json: bytes = b"",
    ) -> Prediction:
        """Return the prediction for the rows, by whatever version or fallback can.

        Args:
            name: Of the model.
            records: One object for each row.
            request_id: Stored with the result.
            user_id: Whom the rows are about, for a later erasure; empty for no caller.
            ref: An alias to ask; empty for production, or the candidate of a canary.
            inputs_json: The rows as JSON, when the caller has them.

        Raises:
            ModelUnknown, VersionUnknown, InvalidRows, TooManyRows: It cannot be predicted.
            ModelUnavailable, PredictionLate, StorageFull: Nothing could answer.
        """
        server = self.servers.get(name)
        if server is None:
            server = await run_in_threadpool(self.ready, name)
        schema = self._schema(server, ref)
        self._check_count(records)
        if len(records) > _ON_LOOP_ROWS:
            rows = await run_in_threadpool(parse_rows, schema, records)
        else:
            rows = parse_rows(schema, records)
        loop = asyncio.get_running_loop()
        deliver = self._deliverers.get(id(loop)) or self._deliverer(loop)
        pending = self._pending(rows, inputs_json or orjson.dumps(records), request_id, deliver)
        pending.user_id = user_id
        pending.waiter = waiter = loop.create_future()
        limit = self._settings.deadline_seconds
        pending.timer = loop.call_later(
            limit * _FIRST_SHARE, expire, server, pending, limit * (1 - _FIRST_SHARE)
        )
        try:
            server.submit(pending, ref)
            found: Prediction | TrimtabError = await waiter
        finally:
            pending.timer.cancel()
        if isinstance(found, TrimtabError):
            raise found
        return found

    def predict_now(
        self, name: str, records: Records, request_id: str, *, ref: str = "", probe: bool = False
    ) -> Prediction:
        """Return the prediction for the rows, from any thread but the event loop's."""
        server = self.servers.get(name) or self.ready(name)
        self._check_count(records)
        rows = parse_rows(self._schema(server, ref), records)
        found: list[Prediction | TrimtabError] = []
        done = threading.Event()

        def deliver(pairs: list[tuple[PendingRequest, Prediction | TrimtabError]]) -> None:
            found.extend(answer for _, answer in pairs)
            done.set()

        pending = self._pending(rows, orjson.dumps(records), request_id, deliver)
        pending.probe = probe
        server.submit(pending, ref)
        limit = self._settings.deadline_seconds
        if not done.wait(limit * _FIRST_SHARE):
            server.expire(pending)
            if not done.wait(limit * (1 - _FIRST_SHARE)):
                give_up(server, pending)
                done.wait()
        if isinstance(found[0], TrimtabError):
            raise found[0]
        return found[0]

    def _pending(
        self, rows: Rows, inputs_json: bytes, request_id: str, deliver: Any
    ) -> PendingRequest:
        now = self._machine.monotonic()
        return PendingRequest(
            rows, inputs_json, request_id, now, now + self._settings.deadline_seconds, deliver
        )

    def _check_count(self, records: Records) -> None:
        limit = self._settings.max_rows
        if len(records) > limit:
            raise TooManyRows(f"The request has {len(records)} rows; {limit} are allowed.")

    def _schema(self, server: ModelServer, ref: str) -> InputSchema:
        """Return the columns that the named alias expects; raises `VersionUnknown`."""
        if not ref:
            return self._production(server).manifest.schema
        served = server.routing.servers.get(ref)
        if served is None:
            if ref in server.routing.failures:
                raise server.routing.failures[ref]
            raise VersionUnknown(f"Model {server.name!r} has no {ref} version.")
        return served.version.manifest.schema

    def production(self, name: str) -> ModelVersion:
        """Return the version that serves; raises `ModelUnknown` and `ModelUnavailable`."""
        return self._production(self.servers.get(name) or self.ready(name))

    def _production(self, server: ModelServer) -> ModelVersion:
        production = server.routing.production
        if production is None:
            raise ModelUnavailable(
                f"Model Unavailable: {server.name} has no production version.",
                hint=f"`trimtab models promote {server.name} VERSION` lets a version serve.",
            )
        return production

    def _deliverer(self, loop: asyncio.AbstractEventLoop) -> "LoopDeliverer":
        return self._deliverers.setdefault(id(loop), LoopDeliverer(loop))

    # Versions

    def ready(self, name: str) -> ModelServer:
        """Return the server of a model, loading its versions at first; raises `ModelUnknown`."""
        with self._refreshing:
            found = self.servers.get(name)
            if found is None:
                self._registry.versions(name)
                found = self.refresh(name)
            return found

    def refresh(self, name: str, *, reload: bool = False) -> ModelServer:
        """Let the versions serve that the aliases name now; requests in queues are answered.

        Args:
            name: Of the model.
            reload: Load and prove every version again, such as after a repair.
        """
        with self._refreshing:
            server = self.servers.get(name)
            if server is None:
                server = ModelServer(
                    name,
                    self._sinks,
                    lambda: self.fallback_enabled,
                    self._spare,
                    self._foundation,
                )
            old = server.routing
            server.routing = self._route(server, {} if reload else _by_digest(old), reload=reload)
            self.servers[name] = server
            self._note_promotion(name)
            kept = set(_by_digest(server.routing).values())
            for retired in set(old.servers.values()) - kept:
                retired.close()
                if retired.version.digest not in _by_digest(server.routing):
                    self._registry.unload(retired.version.digest)
            return server

    def _note_promotion(self, name: str) -> None:
        moves = (move for move in self._registry.alias_log(name) if move.alias == PRODUCTION)
        if (newest := next(moves, None)) is not None:
            self.promoted_at[name] = newest.at

    def drop(self, name: str) -> None:
        """Stop serving a model that is deleted."""
        with self._refreshing:
            server = self.servers.pop(name, None)
            self.promoted_at.pop(name, None)
            for served in set(server.routing.servers.values()) if server is not None else ():
                served.close()

    def set_share(self, name: str, share: float) -> None:
        """Let the candidate of a model answer that share of the requests; 0 ends it."""
        with self._refreshing:
            self._shares[name] = share
            if (server := self.servers.get(name)) is not None:
                server.routing = replace(server.routing, candidate_share=share)

    def warm_up(self) -> None:
        """Load every model that has a production version, and predict its golden batch."""
        only = self._settings.only
        for name in self._registry.names():
            if only not in ("", name):
                continue
            try:
                self.ready(name)
            except TrimtabError:
                _log.exception("a model could not be loaded", extra={"model": name})

    def verify(self, name: str) -> list[str]:
        """Check files and golden batch of every version that serves; return the problems.

        A version with a problem stops serving: its fallbacks answer until it is repaired.
        """
        with self._refreshing:
            server = self.ready(name)
            for served in set(server.routing.servers.values()):
                problem = self._problem(served)
                if problem is not None:
                    self._stop_serving(server, served, problem)
            numbers = self._registry.aliases(name)
            return [
                f"{alias} ({name}@{numbers.get(alias, 0)}): {error}"
                for alias, error in server.routing.failures.items()
            ]

    def verify_all(self) -> list[str]:
        """Check what serves of every model; see `verify`."""
        return [problem for name in list(self.servers) for problem in self.verify(name)]

    def close(self) -> None:
        """Answer what waits, then stop every thread. May be called twice."""
        for server in list(self.servers.values()):
            for served in set(server.routing.servers.values()):
                served.close()
                served.join(5.0)
        self._spare.shutdown()
        if self._foundation is not None:
            self._foundation.close()

    def _follow(self, event: Event) -> None:
        """Let the moved aliases take effect, if the model serves already."""
        with self._refreshing:  # One that is being loaded has read the aliases before.
            if event.subject in self.servers:
                self.refresh(event.subject)

    def _route(
        self, server: ModelServer, known: Mapping[str, VersionServer], *, reload: bool
    ) -> Routing:
        aliases = self._registry.aliases(server.name)
        servers: dict[str, VersionServer] = {}
        found = dict(known)
        production: ModelVersion | None = None
        failures: dict[str, TrimtabError] = {}
        for alias in ALIASES:
            if alias not in aliases:
                continue
            version = self._registry.resolve(server.name, str(aliases[alias]))
            production = version if alias == PRODUCTION else production
            try:
                if version.digest not in found:
                    found[version.digest] = self._serve(server, version, reload=reload)
                servers[alias] = found[version.digest]
            except TrimtabError as error:
                _log.error(
                    "Model Unavailable", extra={"model": version.ref, "error": error.message}
                )
                failures[alias] = error
                self._publish(version, error)
        return Routing(production, servers, failures, self._shares.get(server.name, 0.0))

    def _serve(self, server: ModelServer, version: ModelVersion, *, reload: bool) -> VersionServer:
        if reload:
            self._registry.unload(version.digest)
        loaded = self._registry.load_version(version)
        settings = self._settings
        breaker = CircuitBreaker(settings.breaker_failures, settings.breaker_seconds, self._machine)
        return VersionServer(loaded, breaker, self._limits, self._sinks, server.fail)

    def _problem(self, served: VersionServer) -> TrimtabError | None:
        try:
            self._registry.verify_files(served.version)
            check_golden(served.loaded.predictor, served.version.manifest, served.version.ref)
        except TrimtabError as error:
            return error
        return None

    def _stop_serving(
        self, server: ModelServer, served: VersionServer, error: TrimtabError
    ) -> None:
        routing = server.routing
        stopped = [alias for alias, value in routing.servers.items() if value is served]
        server.routing = replace(
            routing,
            servers={key: value for key, value in routing.servers.items() if value is not served},
            failures={**routing.failures, **dict.fromkeys(stopped, error)},
        )
        served.close()
        self._registry.unload(served.version.digest)
        self._publish(served.version, error)

    def _publish(self, version: ModelVersion, error: TrimtabError) -> None:
        facts: dict[str, object] = {"version": version.version, "code": error.code}
        self._events.publish(Event(FAILED, self.clock.now(), version.name, facts))


def _by_digest(routing: Routing) -> dict[str, VersionServer]:
    return {served.version.digest: served for served in routing.servers.values()}
