"""Full-text search on PostgreSQL, over the terms that the search indexes compare.

It answers while a project's index is being built or the model is down, as FTS5 does on SQLite. The
terms are made here and not by PostgreSQL, so that both find the same passages in all languages.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from trimtab.text.analysis import analysed, query_terms
from trimtab.text.languages import LANGUAGES

_MAX_TERMS = 64
_MAX_POSITIONS = 16
"""More occurrences of a term in a passage hardly change its score."""
_MAX_BYTES = 2000
"""PostgreSQL refuses longer words; no query has them."""
_INSERT = sa.text(
    "INSERT INTO chunk_words (chunk_key, project_key, words)"
    " SELECT key, project_key, CAST(:words AS tsvector) FROM chunks WHERE id = :id"
)
# BM25 as the indexes compute it, but for the frequency of a term: `ts_rank` of a single term is
# 0.61 for one occurrence and approaches 1 with more, divided by the number of its variants.
_SEARCH = """
WITH terms AS MATERIALIZED (
    SELECT number, CAST(query AS tsquery) AS query, variants, weight
    FROM unnest(CAST(:queries AS text[]), CAST(:variants AS float8[]), CAST(:weights AS float8[]))
        WITH ORDINALITY AS given(query, variants, weight, number)
), hits AS MATERIALIZED (
    SELECT chunk_key, words, CAST(length(words) AS float8) AS size FROM chunk_words
    WHERE project_key = :project AND words @@ CAST(:any AS tsquery)
), matches AS MATERIALIZED (
    SELECT chunk_key, number, weight, size,
        variants * ts_rank('{1,1,1,1}', words, query) AS frequency
    FROM hits JOIN terms ON words @@ query
), rarities AS (
    SELECT number, ln(1 + (total.passages - count(*) + 0.5) / (count(*) + 0.5)) AS rarity
    FROM matches, (SELECT count(*) AS passages FROM chunk_words WHERE project_key = :project) total
    GROUP BY number, total.passages
)
SELECT chunk_key AS key, sum(
    weight * rarity * 2.2 * frequency
        / (frequency + 1.2 * (0.25 + 0.75 * size / (SELECT avg(size) FROM hits)))
) AS score
FROM matches JOIN rarities USING (number)
WHERE CAST(:only AS bigint[]) IS NULL OR chunk_key = ANY(CAST(:only AS bigint[]))
GROUP BY chunk_key ORDER BY score DESC, chunk_key LIMIT :limit
"""


def add_words(connection: sa.Connection, chunks: Iterable[Mapping[str, Any]]) -> None:
    """Write the terms of passages, given with their ids, headings and texts."""
    rows = [
        {"id": chunk["id"], "words": _vector(f"{chunk['heading']}\n{chunk['text']}")}
        for chunk in chunks
    ]
    if rows:
        connection.execute(_INSERT, rows)


def rank_words(
    connection: sa.Connection, project_key: int, query: str, limit: int, only: list[int] | None
) -> list[tuple[int, float]]:
    """Return chunk keys and scores (higher is better) of passages with any word of the query.

    Args:
        connection: Of a transaction.
        project_key: The project to search.
        query: Free text.
        limit: Maximum number of chunks.
        only: Only these chunks; None means all.
    """
    terms = [term for term in query_terms(query, LANGUAGES) if " " not in term.word][:_MAX_TERMS]
    terms = [term for term in terms if len(term.word.encode()) <= _MAX_BYTES]
    if not terms:
        return []
    queries = [_any_of(term.variants) for term in terms]
    given = {
        "project": project_key,
        "any": " | ".join(queries),
        "queries": queries,
        "variants": [float(len(term.variants)) for term in terms],
        "weights": [term.weight for term in terms],
        "only": only,
        "limit": limit,
    }
    rows = connection.execute(sa.text(_SEARCH), given)
    return [(int(row.key), float(row.score)) for row in rows]


def _vector(text: str) -> str:
    """Return the terms as PostgreSQL reads a tsvector; a term has a position per occurrence."""
    found = []
    for term, count in analysed(text).frequencies.items():
        if " " not in term and len(term.encode()) <= _MAX_BYTES:
            positions = ",".join(map(str, range(1, min(count, _MAX_POSITIONS) + 1)))
            found.append(f"{_quoted(term)}:{positions}")
    return " ".join(found)


def _any_of(terms: Sequence[str]) -> str:
    return " | ".join(map(_quoted, terms))


def _quoted(term: str) -> str:
    escaped = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
