"""Builds the privacy domain: erasures of everything about a person."""

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Protocol

from trimtab.infra.environment import Environment
from trimtab.infra.storage import Database
from trimtab.kernel.module import Module
from trimtab.kernel.personal_data import Erasable, ErasureStep
from trimtab.knowledge import Knowledge
from trimtab.knowledge.erasure import PersonalDocuments
from trimtab.privacy.actions import actions
from trimtab.privacy.erasure import Erasures
from trimtab.privacy.erasure.service import ErasureEvidence
from trimtab.privacy.erasure.store import ErasureStore
from trimtab.privacy.faults import faults
from trimtab.privacy.pseudonyms import Subjects
from trimtab.privacy.signals import signals

_BEFORE_QUOTES = "knowledge.queue"


class QuoteRedactor(Protocol):
    """Redacts quotes of documents in the traces of other users."""

    def count(self, documents: Set[str], /) -> int:
        """Return the number of traces with a quote of one of the documents."""
        ...

    def blank(self, documents: Set[str], /) -> int:
        """Redact the quotes; return the number of traces."""
        ...


def build(
    env: Environment,
    knowledge: Knowledge,
    quotes: QuoteRedactor,
    personal_data: Iterable[Erasable],
    databases: Sequence[Database],
) -> Module:
    """Return the erasures, with their jobs registered.

    Args:
        env: Of the process.
        knowledge: The documents of people.
        quotes: Redacts what other users' answers quote from these documents.
        personal_data: What every domain keeps about people, in the order of erasure.
        databases: Every one that holds such data; cleaned of the bytes of deleted rows.
    """
    subjects = Subjects.of(env.state, env.clock, env.directory)
    erasures = Erasures(
        ErasureStore(env.state),
        tuple(_with_quotes(personal_data, _quotes(quotes, knowledge))),
        env.jobs,
        ErasureEvidence(env.audit, env.signer, subjects, has_backups=True, fleet=env.fleet),
        env.clock,
        databases,
    )
    return Module(
        "privacy",
        erasures,
        signals=signals(erasures),
        actions=actions(erasures),
        faults=faults(knowledge, erasures),
    )


def _quotes(quotes: QuoteRedactor, knowledge: Knowledge) -> Erasable:
    documents = PersonalDocuments(knowledge)
    return ErasureStep(
        "answers.quotes",
        lambda person: quotes.count(documents.quotable(person)),
        lambda person: quotes.blank(documents.quotable(person)),
    )


def _with_quotes(steps: Iterable[Erasable], quotes: Erasable) -> Iterator[Erasable]:
    """Yield the steps with the quotes before the documents by which they are found."""
    for step in steps:
        yield step
        if step.name == _BEFORE_QUOTES:
            yield quotes
