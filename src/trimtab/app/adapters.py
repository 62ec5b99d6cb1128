"""Fits one domain's port to another domain's class."""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

import httpx
import numpy as np
from numpy.typing import NDArray

from trimtab.answers import Passage, Retrieved
from trimtab.infra.notify import Channel, ConsoleChannel, LogChannel, WebhookChannel
from trimtab.infra.rules.alerts import AlertState
from trimtab.infra.rules.checks import compile_check
from trimtab.infra.rules.engine import RuleEngine
from trimtab.infra.rules.evaluator import compile_expression
from trimtab.infra.rules.labels import METRIC_NAME
from trimtab.infra.rules.scrape import milliseconds
from trimtab.infra.rules.series import SeriesStore
from trimtab.infra.settings import Settings
from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Sample
from trimtab.knowledge import Knowledge


class KnowledgeRetriever:
    """Lets answers search in knowledge."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    def search(self, project: str, query: str, top_k: int) -> Retrieved:
        """Return at most ``top_k`` passages of the project, best first."""
        found = self._knowledge.search(project, query, top_k)
        names = ("chunk_id", "document_id", "document_name", "text", "start", "end", "score")
        passages = tuple(
            Passage(
                **{name: getattr(passage, name) for name in names},
                title=passage.title,
                page=passage.page,
                heading=passage.heading,
            )
            for passage in found.passages
        )
        return Retrieved(passages, found.degraded_mode, str(found.index_version), found.cache_hit)


class KnowledgeEmbedder:
    """Lets answers compare questions with what they found, by knowledge's own model."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._encoder = knowledge.encoder

    @property
    def model_id(self) -> str:
        """The model's name; vectors of different ones are not compared."""
        return self._encoder.model_id

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector for each text; raises `EmbedderUnavailable`."""
        return self._encoder.vectors(texts)


class SampleEvidence:
    """Lets the operator ask the samples."""

    def __init__(
        self, series: SeriesStore, engine: RuleEngine, clock: Clock, scrape_seconds: float
    ) -> None:
        self._scrape_seconds = scrape_seconds
        self._series = series
        self._engine = engine
        self._clock = clock

    def evaluate(self, expression: str) -> Sequence[Sample]:
        """Return the series for which the PromQL expression holds now."""
        found = compile_expression(expression).evaluate(
            self._series, milliseconds(self._clock.now())
        )
        return [
            Sample(value, {name: text for name, text in labels if name != METRIC_NAME})
            for labels, value in found
        ]

    def firing(self, fingerprint: str) -> bool:
        """Return whether the alert fires; those that fired before a restart go on until they are seen to end."""
        alerts = self._engine.alerts(AlertState.FIRING)
        return any(alert.fingerprint == fingerprint for alert in alerts)

    def sampled_since(self, at: datetime) -> bool:
        """Return whether samples have arrived since then, and within the last three scrapes."""
        newest = self._series.newest_ms()
        if newest is None:
            return False
        oldest_useful = self._clock.now() - timedelta(seconds=3 * self._scrape_seconds)
        return newest >= milliseconds(max(at, oldest_useful))


def check_expression(expression: str) -> None:
    """Raise `ExpressionRefused` unless the expression can be asked as a yes-or-no question."""
    compile_check(expression)


def channels_of(settings: Settings) -> list[Channel]:
    """Return the channels that the settings open."""
    chosen: list[Channel] = [LogChannel()]
    if settings.notify.console:
        chosen.append(ConsoleChannel(sys.stderr))
    if settings.notify.webhook_url:
        chosen.append(
            WebhookChannel(
                settings.notify.webhook_url,
                httpx.Client(timeout=settings.notify.webhook_timeout_seconds),
            )
        )
    return chosen
