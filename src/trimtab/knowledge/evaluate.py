"""Measures quality and speed of search on a set of judged queries.

The set is a folder in the form of BEIR: ``corpus.jsonl`` (``_id`` or ``id``, ``title``, ``text``),
``queries.jsonl`` (``_id`` or ``id``, ``text``) and ``qrels.tsv`` (query, document, grade; a header
line is skipped; ``qrels/test.tsv`` is read too). Each corpus entry is one passage, as in the
published judgements; it goes through the same embedder, index, weight fitting and ranking.
"""

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trimtab.knowledge.embedding import EmbeddingModel, Prefixes, Vectors
from trimtab.knowledge.errors import EvaluationSetInvalid
from trimtab.knowledge.index import IndexedPassage, ProjectIndex
from trimtab.knowledge.ranking import DEFAULT_MEANING, Fit, fit, rank
from trimtab.knowledge.ranking.probes import Embed

Progress = Callable[[int, int, str], None]
"""Called with things done, things in all, and what is being done."""

_BATCH = 64
NO_PREFIXES = Prefixes()
_DEPTH = 100


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """The figures of one set; ``as_dict`` has the names that ``--json`` prints."""

    ndcg_at_10: float
    recall_at_100: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """CPU time of one query, its embedding included, in milliseconds."""
    words_ndcg_at_10: float
    """By words alone ..."""
    vectors_ndcg_at_10: float
    """... and by vectors alone."""
    meaning: float
    """The share of meaning that the passages asked for."""
    documents: int
    queries: int

    def as_dict(self) -> dict[str, float]:
        """Return the report as it is printed."""
        return {
            "ndcg@10": self.ndcg_at_10,
            "recall@100": self.recall_at_100,
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "cpu_ms": self.cpu_ms,
            "ndcg@10_keywords": self.words_ndcg_at_10,
            "ndcg@10_vectors": self.vectors_ndcg_at_10,
            "vector_weight": self.meaning,
            "documents": self.documents,
            "queries": self.queries,
        }


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """A set as read: texts by id, and for each judged query the grades of its documents."""

    corpus: dict[str, str]
    queries: dict[str, str]
    grades: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class _Measured:
    ndcg: float
    recall: float
    seconds: float
    cpu_seconds: float


def evaluate(
    folder: Path,
    embedder: EmbeddingModel,
    progress: Progress = lambda _done, _all, _what: None,
    prefixes: Prefixes = NO_PREFIXES,
    usual: float = DEFAULT_MEANING,
) -> EvaluationReport:
    """Measure search on the set in ``folder``.

    Args:
        folder: The set.
        embedder: Makes the vectors.
        progress: Called with each step.
        prefixes: What the embedder reads before queries and passages.
        usual: The share of meaning that projects with this embedder start from.

    Raises:
        EvaluationSetInvalid: A file is missing or cannot be read, or no query has an answer.
        EmbedderUnavailable: The model is down.
    """
    questions = read_set(folder)
    index = _indexed(questions, embedder, progress, prefixes)
    ids = list(questions.corpus)
    embed_queries = _batched(embedder, prefixes.query)
    texts = list(enumerate(questions.corpus.values()))
    sample = texts[:: max(1, len(texts) // 500)]
    embed = _batched(embedder, prefixes.passage)
    fitted = fit(index, sample, embed_queries, embed, usual=usual)
    # The first query of a process pays for pages that are not in memory yet.
    _measured(index, embed_queries, "warm up", {}, ids, fitted.meaning)
    found: dict[str, list[_Measured]] = {"words": [], "vectors": [], "fused": []}
    for done, (query_id, grades) in enumerate(questions.grades.items(), 1):
        query = questions.queries[query_id]
        for way, meaning in (("fused", fitted.meaning), ("words", 0.0), ("vectors", 1.0)):
            found[way].append(_measured(index, embed_queries, query, grades, ids, meaning))
        progress(done, len(questions.grades), "asking")
    return _report(found, fitted, questions)


def read_set(folder: Path) -> EvaluationSet:
    """Read a set; queries without a judged document of the corpus are left out.

    Raises:
        EvaluationSetInvalid: A file is missing or cannot be read, or no query has an answer.
    """
    corpus = {
        _identity(record, place): _passage(record)
        for place, record in _records(folder / "corpus.jsonl")
    }
    queries = {
        _identity(record, place): str(record.get("text", ""))
        for place, record in _records(folder / "queries.jsonl")
    }
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for query, document, grade in _judgements(folder):
        if grade > 0 and query in queries and document in corpus:
            grades[query][document] = grade
    if not grades:
        raise EvaluationSetInvalid(f"No query of {folder.name} has a judged document.")
    return EvaluationSet(corpus, queries, dict(grades))


def ndcg_at_10(found: Sequence[str], grades: dict[str, int]) -> float:
    """Return the normalised discounted cumulative gain of the first ten, gain = grade."""
    gained = sum(
        grades.get(document, 0) / math.log2(place + 2) for place, document in enumerate(found[:10])
    )
    ideal = sorted(grades.values(), reverse=True)[:10]
    best = sum(grade / math.log2(place + 2) for place, grade in enumerate(ideal))
    return gained / best if best else 0.0


def _indexed(
    questions: EvaluationSet, embedder: EmbeddingModel, progress: Progress, prefixes: Prefixes
) -> ProjectIndex:
    index = ProjectIndex(embedder.dimension)
    texts = list(questions.corpus.values())
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        rows = embedder.embed([prefixes.passage + text for text in batch])
        index.add(
            IndexedPassage(start + at, text, row)
            for at, (text, row) in enumerate(zip(batch, rows, strict=True))
        )
        progress(min(start + _BATCH, len(texts)), len(texts), "indexing")
    return index


def _batched(embedder: EmbeddingModel, prefix: str) -> Embed:
    def embed(texts: Sequence[str]) -> Vectors:
        prefixed = [prefix + text for text in texts]
        parts = [embedder.embed(prefixed[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
        return np.concatenate(parts)

    return embed


def _measured(
    index: ProjectIndex,
    embed_queries: Embed,
    query: str,
    grades: dict[str, int],
    ids: list[str],
    meaning: float,
) -> _Measured:
    started, cpu = time.perf_counter(), time.process_time()
    vector = embed_queries([query])[0] if meaning > 0 else None
    ranking = rank(index, query, vector, meaning=meaning, limit=_DEPTH)
    cpu_seconds, seconds = time.process_time() - cpu, time.perf_counter() - started
    found = [ids[passage.key] for passage in ranking.passages]
    recall = len(grades.keys() & set(found)) / len(grades) if grades else 0.0
    return _Measured(ndcg_at_10(found, grades), recall, seconds, cpu_seconds)


def _report(
    found: dict[str, list[_Measured]], fitted: Fit, questions: EvaluationSet
) -> EvaluationReport:
    fused = found["fused"]
    milliseconds = np.array([item.seconds for item in fused]) * 1000
    return EvaluationReport(
        ndcg_at_10=_mean([item.ndcg for item in fused]),
        recall_at_100=_mean([item.recall for item in fused]),
        p50_ms=round(float(np.percentile(milliseconds, 50)), 3),
        p99_ms=round(float(np.percentile(milliseconds, 99)), 3),
        cpu_ms=round(float(np.mean([item.cpu_seconds for item in fused])) * 1000, 3),
        words_ndcg_at_10=_mean([item.ndcg for item in found["words"]]),
        vectors_ndcg_at_10=_mean([item.ndcg for item in found["vectors"]]),
        meaning=fitted.meaning,
        documents=len(questions.corpus),
        queries=len(questions.grades),
    )


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 4)


def _passage(record: dict[str, object]) -> str:
    """Return title and text; the title once when the text begins with it."""
    title, text = str(record.get("title") or "").strip(), str(record.get("text") or "").strip()
    if not title or text.startswith(title):
        return text
    return f"{title}\n{text}" if text else title


def _records(file: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield (place, object) of each line that is not blank."""
    for number, line in enumerate(_lines(file), 1):
        place = f"{file.name}, line {number}"
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise EvaluationSetInvalid(f"{place} is not valid JSON: {error}.") from error
        if not isinstance(record, dict):
            raise EvaluationSetInvalid(f"{place} is not a JSON object.")
        yield place, record


def _identity(record: dict[str, object], place: str) -> str:
    identity = record.get("_id", record.get("id"))
    if identity is None:
        raise EvaluationSetInvalid(f"{place} has neither `_id` nor `id`.")
    return str(identity)


def _judgements(folder: Path) -> Iterator[tuple[str, str, int]]:
    file = folder / "qrels.tsv"
    if not file.exists() and (folder / "qrels" / "test.tsv").exists():
        file = folder / "qrels" / "test.tsv"
    for number, line in enumerate(_lines(file), 1):
        columns = line.rstrip("\n").split("\t")
        try:
            yield columns[0], columns[1], int(columns[2])
        except (IndexError, ValueError) as error:
            if number == 1 or not line.strip():
                continue
            raise EvaluationSetInvalid(
                f"{file.name}, line {number} is not query, document and grade with tabs between."
            ) from error


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationSetInvalid(f"{file.name} cannot be read: {error}.") from error
