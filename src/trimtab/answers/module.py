"""Builds the answers domain."""

from dataclasses import dataclass

from trimtab.answers.actions import actions
from trimtab.answers.deadlines import Retriever
from trimtab.answers.faults import faults
from trimtab.answers.pipeline import PipelineGuards
from trimtab.answers.service import AnswersContext, AnswerService
from trimtab.answers.shared_drafts import SharedDrafts
from trimtab.answers.signals import signals
from trimtab.answers.tracing import health as tracing_health
from trimtab.answers.tracing.exporter import exporter_of
from trimtab.guardrails.service import Guardrails
from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module
from trimtab.kernel.tasks import ScheduledTask

_DROP_SECONDS = 3600.0
_EXPORT_SECONDS = 600.0
"""A process that ends while it sends is replaced after that time."""
# No question is asked, so that it costs nothing at the provider.
_LOOK_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The searches that answers use.

    Attributes:
        best: Ranks by words and meaning.
        keywords: Ranks by words alone, for when `best` is late.
    """

    best: Retriever
    keywords: Retriever


def build(env: Environment, retrieval: Retrieval, guardrails: Guardrails) -> Module:
    """Return the answer service.

    Args:
        env: Of the process.
        retrieval: Finds passages.
        guardrails: Judge questions, passages and answers, where the settings enable them.
    """
    guards = PipelineGuards(
        guardrails.questions, guardrails.answers, guardrails.passages, guardrails.finder.redact
    )
    shared = SharedDrafts(env.valkey) if env.valkey is not None else None
    answers = AnswerService(
        env.settings.answers,
        AnswersContext(env.state, env.clock, env.events, env.directory, shared),
        retrieval.best,
        keywords=retrieval.keywords,
        guards=guards if env.settings.guardrails.enabled else None,
    )
    env.fleet.on_forget("answers.cache", answers.cache.clear)
    routed = answers.retrieval
    env.fleet.share("answers.routes", lambda: dict(routed.routes), routed.replace_routes)
    env.fleet.share("answers.generator", lambda: answers.models.names[0], answers.follow_preference)
    return Module(
        "answers",
        answers,
        personal_data=answers.personal_data(),
        tasks=answers.tasks,
        scheduled=(
            ScheduledTask("drop old traces", _DROP_SECONDS, answers.drop_old),
            ScheduledTask(
                "look at the language model", _LOOK_SECONDS, answers.model.look, each_process=True
            ),
        ),
        start=(answers.start,),
        close=(answers.close,),
    )


def build_tracing(env: Environment, answers: AnswerService) -> Module:
    """Return the export of traces, and what can be measured, done and broken in answers and traces.

    Without a tracing backend in the settings the export is idle.
    """
    exporter = exporter_of(env.settings.answers, answers.traces, env.clock)
    exporter.share(lambda: env.fleet.claimed("trace export", _EXPORT_SECONDS))
    tracing_health.register(env.health, exporter)
    if exporter.is_configured:
        env.dependencies.include(lambda: {"tracing backend": exporter.breaker})
    env.dependencies.include(answers.models.outside_breakers)
    return Module(
        "answers tracing",
        exporter,
        signals=signals(answers, exporter, env.changes),
        actions=actions(answers, exporter),
        faults=faults(answers, exporter, env.clock, env.changes),
        tasks=(exporter.task,),
        start=(exporter.start,),
        close=(exporter.close,),
    )
