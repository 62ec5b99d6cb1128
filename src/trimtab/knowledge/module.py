"""Builds the knowledge domain."""

from dataclasses import asdict

from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module
from trimtab.kernel.personal_data import ErasureStep
from trimtab.knowledge.actions import actions
from trimtab.knowledge.context import KnowledgeContext
from trimtab.knowledge.erasure import PersonalDocuments
from trimtab.knowledge.faults import faults
from trimtab.knowledge.gpus import scheduled_look
from trimtab.knowledge.schedules import register
from trimtab.knowledge.service import Knowledge
from trimtab.knowledge.signals import signals


def build(env: Environment) -> Module:
    """Return knowledge on its own database, with its jobs registered."""
    context = KnowledgeContext(env.clock, env.events, env.health, env.postgres)
    knowledge = Knowledge(env.directory, env.settings.knowledge, context)
    register(env.jobs, knowledge)
    env.dependencies.include(knowledge.engines.breakers)
    env.fleet.on_forget("knowledge", knowledge.drop_memory)
    env.fleet.share(
        "knowledge.cache_sizes", lambda: asdict(knowledge.caches.sizes()), knowledge.caches.reload
    )
    return Module(
        "knowledge",
        knowledge,
        signals=signals(knowledge),
        actions=actions(knowledge),
        faults=faults(knowledge, env.clock),
        personal_data=_personal_data(PersonalDocuments(knowledge)),
        tasks=tuple(knowledge.background.tasks),
        scheduled=(*scheduled_look(knowledge.gpus), *knowledge.qdrant_usage.scheduled()),
        start=(knowledge.start,),
        close=(knowledge.close,),
    )


def _personal_data(documents: PersonalDocuments) -> tuple[ErasureStep, ...]:
    """Return the steps in order; queued work first, or it would restore what is erased later."""
    own = documents
    return (
        ErasureStep("knowledge.queue", own.waiting, own.delete_waiting),
        ErasureStep("knowledge.documents", own.documents, own.delete_documents),
        ErasureStep("knowledge.passages", own.passages, own.delete_documents),
        ErasureStep("knowledge.index", own.index_remains, own.purge),
        ErasureStep("knowledge.caches", own.cached, own.empty_caches),
        ErasureStep("knowledge.copies", own.copies, own.purge_copies),
    )
