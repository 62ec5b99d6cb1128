"""Fits one domain's port to another domain's class."""

import sys

import httpx

from trimtab.answers import ExtractiveGenerator, Generator, Passage, Retrieved
from trimtab.infra.notify import Channel, ConsoleChannel, LogChannel, WebhookChannel
from trimtab.infra.rules.checks import compile_check
from trimtab.infra.settings import Settings
from trimtab.infra.settings.sections.answers import AnswersSettings
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


def check_expression(expression: str) -> None:
    """Raise `ExpressionRefused` unless the expression can be asked as a yes-or-no question."""
    compile_check(expression)


def generator_of(settings: AnswersSettings) -> Generator:
    """Return the generator that the settings choose."""
    if settings.generator == "extractive":
        return ExtractiveGenerator(max_sentences=settings.max_sentences)
    # The client library takes as long to load as the rest of the service.
    from trimtab.answers.remote import RemoteGenerator

    return RemoteGenerator(
        settings.generator_url,
        settings.generator_model,
        settings.generator_key,
        settings.generator_timeout_seconds,
    )


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
