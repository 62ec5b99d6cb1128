"""Fits one domain's port to another domain's class."""

import sys
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from trimtab.answers import Passage, Question, Retrieved
from trimtab.answers.service import AnswerService
from trimtab.app.handbook import HANDBOOK
from trimtab.incidents import Monitor
from trimtab.infra.notify import (
    Channel,
    ConsoleChannel,
    GitHubChannel,
    LogChannel,
    PagerDutyChannel,
    WebhookChannel,
)
from trimtab.infra.settings import Settings
from trimtab.infra.settings.sections.notify import NotifySettings
from trimtab.infra.web import Places
from trimtab.knowledge import Knowledge
from trimtab.knowledge.search import SearchRequest
from trimtab.monitoring.checks import compile_check

PROBE = "trimtab-probe"
"""The user under whom the service asks itself."""
_PROBED = "What happens to queries when the embedding model is down?"
_WORKING_AT_ONCE, _WAITING_AT_ONCE = 8, 64


class KnowledgeRetriever:
    """Lets answers search in knowledge.

    Args:
        knowledge: What is searched.
        meaning: False lets words alone decide: for when the whole search is late.
    """

    def __init__(self, knowledge: Knowledge, *, meaning: bool = True) -> None:
        self._knowledge = knowledge
        self._meaning = meaning

    def search(
        self, project: str, query: str, top_k: int, *, labels: tuple[str, ...] = ()
    ) -> Retrieved:
        """Return at most ``top_k`` passages of the project, best first, that these labels let see."""
        request = SearchRequest(top_k, labels=labels, meaning=self._meaning)
        found = self._knowledge.searcher.search(project, query, request)
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
        return Retrieved(
            passages,
            found.degraded_mode,
            str(found.index_version),
            found.cache_hit,
            labels=self._knowledge.documents.labels_in_use(project, labels) if labels else (),
        )


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


def places_of(settings: Settings) -> Places:
    """Return the places at which questions and searches are worked on.

    Quoting works the processor, which many at once only make slower; who waits for a model elsewhere does not.
    """
    remote = settings.answers.generator != "extractive"
    at_once = settings.api.at_once or (_WAITING_AT_ONCE if remote else _WORKING_AT_ONCE)
    return Places(at_once, settings.api.most_waiting)


class OwnQuestions:
    """Searches and asks the handbook, so that an idle service has something to be judged by.

    Args:
        knowledge: Is searched.
        answers: Is asked; its traces name `PROBE` as the user.
    """

    def __init__(self, knowledge: Knowledge, answers: AnswerService) -> None:
        self._knowledge = knowledge
        self._answers = answers

    def __call__(self) -> None:
        """Search once and ask once; raises what they raise."""
        self._knowledge.search(HANDBOOK, _PROBED, 3)
        self._answers.answer(Question(HANDBOOK, _PROBED, user_id=PROBE))


class QuestionsImpact:
    """Measures what users who asked questions met, from the counters of answers.

    Args:
        monitor: Evaluates PromQL.
        retention_seconds: How far back the samples reach; nothing is told about longer times.
    """

    def __init__(self, monitor: Monitor, retention_seconds: float) -> None:
        self._monitor = monitor
        self._retention_seconds = retention_seconds

    def __call__(self, seconds: float) -> str:
        """Return how many questions were asked, failed and were answered in degraded mode."""
        if seconds > self._retention_seconds:
            return ""
        # A scrape before the begin and one after the end belong to it; one minute holds both.
        window = f"[{int(seconds) + 60}s]"
        given = self._count(f"answers_given_total{window}")
        if given is None:
            return ""
        failed = self._count(f"answers_failed_total{window}") or 0
        degraded = self._count(f"answers_degraded_total{window}") or 0
        return (
            f"{given + failed} questions were asked, {failed} of them failed and {degraded} were "
            "answered in degraded mode"
        )

    def _count(self, selector: str) -> int | None:
        found = self._monitor.evaluate(f"sum(increase({selector})) >= 0")
        return round(found[0].value) if found else None


def check_expression(expression: str) -> None:
    """Raise `ExpressionRefused` unless the expression can be asked as a yes-or-no question."""
    compile_check(expression)


def channels_of(settings: Settings) -> list[Channel]:
    """Return the channels that the settings open."""
    chosen: list[Channel] = [LogChannel()]
    if settings.notify.console:
        chosen.append(ConsoleChannel(sys.stderr))
    notify = settings.notify
    if notify.email_server and notify.email_to:
        from trimtab.infra.notify.mail import EmailChannel

        seconds = notify.webhook_timeout_seconds
        chosen.append(
            EmailChannel(notify.email_server, notify.email_from, notify.email_to, seconds)
        )
    if notify.webhook_url or notify.pagerduty_routing_key or notify.github_repository:
        chosen += _over_http(notify)
    return chosen


def _over_http(notify: NotifySettings) -> Iterator[Channel]:
    import httpx

    client = httpx.Client(timeout=notify.webhook_timeout_seconds)
    if notify.webhook_url:
        yield WebhookChannel(notify.webhook_url, client)
    if notify.pagerduty_routing_key:
        yield PagerDutyChannel(notify.pagerduty_url, notify.pagerduty_routing_key, client)
    if notify.github_repository:
        yield GitHubChannel(
            notify.github_url, notify.github_repository, notify.github_token, client
        )
