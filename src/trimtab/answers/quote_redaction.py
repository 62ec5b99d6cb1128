"""Redacts quotes of erased documents in the traces of other users."""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, replace

import sqlalchemy as sa

from trimtab.answers.records import Trace
from trimtab.answers.store import decode, encode
from trimtab.infra.storage import Database

ERASED = "[erased]"
_DOCUMENT = re.compile(r'"document_id":"([^"]+)"')
_BATCH = 200

_traces = sa.table("answer_traces", *map(sa.column, ("id", "found", "body")))


@dataclass(frozen=True, slots=True)
class QuoteStore:
    """Quotes in traces, in the chain ``answers``; each call reads every found answer."""

    database: Database

    def count(self, documents: Set[str]) -> int:
        """Return how many traces hold a quote of one of the documents."""
        return sum(1 for _ in self._quoting(documents))

    def blank(self, documents: Set[str]) -> int:
        """Redact the documents' quotes, names and texts in every trace; return their number."""
        found = list(self._quoting(documents))
        for start in range(0, len(found), _BATCH):
            with self.database.write() as connection:
                for trace_id in found[start : start + _BATCH]:
                    mine = _traces.c.id == trace_id
                    body = connection.scalar(sa.select(_traces.c.body).where(mine))
                    if body is not None:
                        blanked = encode(_blanked(decode(body), documents))
                        connection.execute(sa.update(_traces).where(mine).values(body=blanked))
        return len(found)

    def _quoting(self, documents: Set[str]) -> Iterator[str]:
        query = sa.select(_traces.c.id, _traces.c.body).where(_traces.c.found.is_(sa.true()))
        with self.database.read() as connection:
            for row in connection.execute(query):
                if documents.isdisjoint(_DOCUMENT.findall(row.body)):
                    continue
                cited = decode(row.body).answer.citations
                if any(c.document_id in documents and c.quote != ERASED for c in cited):
                    yield str(row.id)


def _blanked(trace: Trace, documents: Set[str]) -> Trace:
    citations = tuple(
        replace(c, quote=ERASED, document_name=ERASED, title="", heading="")
        if c.document_id in documents
        else c
        for c in trace.answer.citations
    )
    return replace(trace, answer=replace(trace.answer, text=ERASED, citations=citations))
