"""What every domain but answers keeps about people, as the steps of an erasure.

A domain that begins to keep something about people adds its steps here; `tests/app/test_erasables.py` plants data of a
person everywhere and looks for it afterwards in every file of the data directory.
"""

from pathlib import Path

from trimtab.guardrails.service import Guardrails
from trimtab.infra.notify import Outbox
from trimtab.infra.telemetry.query_texts import forget_queries
from trimtab.knowledge import Knowledge
from trimtab.knowledge.erasure import PersonalDocuments
from trimtab.privacy.erasure import ErasureStep
from trimtab.privacy.quote_redaction import QuoteStore


def erasables(
    knowledge: Knowledge, guardrails: Guardrails, outbox: Outbox, quotes: QuoteStore, logs: Path
) -> tuple[ErasureStep, ...]:
    """Return the steps in their order: queued work first, so that nothing puts back what a later step deletes.

    Quotes go before the documents by which they are found, and are looked for again when those are gone.
    What does not know whose it is (cached verdicts, frequent queries, queries in log files) is dropped whole and counts
    as nothing found.

    Args:
        knowledge: Documents, indexes and copies.
        guardrails: Cached verdicts.
        outbox: Messages to people.
        quotes: Kept answers that quote a document.
        logs: The folder of the log files.
    """
    own = PersonalDocuments(knowledge)

    def quoting(person: str) -> int:
        return quotes.count(own.quotable(person))

    def unquote(person: str) -> int:
        return quotes.blank(own.quotable(person))

    return (
        ErasureStep("knowledge.queue", own.waiting, own.delete_waiting),
        ErasureStep("answers.quotes", quoting, unquote),
        ErasureStep("knowledge.documents", own.documents, own.delete_documents),
        ErasureStep("knowledge.passages", own.passages, own.delete_documents),
        ErasureStep("knowledge.index", own.index_remains, own.purge),
        ErasureStep("knowledge.caches", own.cached, own.empty_caches),
        ErasureStep("knowledge.copies", own.copies, own.purge_copies),
        ErasureStep("guardrails.texts", lambda _: 0, lambda _: guardrails.clear_cache()),
        ErasureStep("notify.outbox", outbox.naming, outbox.forget),
        ErasureStep("logs.queries", lambda _: 0, lambda _: forget_queries(logs)),
    )
