"""Records that pass between the stages of an answer. All frozen."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from trimtab.answers.errors import BadProjectName, BadTopK, EmptyQuery, QueryTooLong

MAX_CHARACTERS = 1_000
MAX_TOP_K = 100
EXTRACTIVE = "extractive"
"""Name of the generator that quotes, as ``Answer.model``."""
SUPPORTED = 0.85
"""A grounding score at or above this counts as supported (the contract's threshold)."""
_PROJECT = re.compile(r"[a-zA-Z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class Question:
    """A question; the pipeline validates and strips it."""

    project: str
    text: str
    top_k: int = 5
    user_id: str = ""
    """User, for deletion on request; empty when no user is signed in."""
    labels: tuple[str, ...] = ()
    """Access labels of the caller: labelled documents answer only callers who share one."""

    def validate(self) -> "Question":
        """Return the question with its text stripped.

        Raises:
            BadProjectName: The project has characters that are not allowed.
            EmptyQuery: The text is blank.
            QueryTooLong: More than 1,000 characters remain after stripping.
            BadTopK: ``top_k`` is not in 1 to 100.
        """
        text = self.text.strip()
        if not _PROJECT.fullmatch(self.project):
            raise BadProjectName("The project's name is not valid.")
        if not text:
            raise EmptyQuery("Query cannot be empty")
        if len(text) > MAX_CHARACTERS:
            raise QueryTooLong(
                f"The query has {len(text):,} characters; the limit is {MAX_CHARACTERS:,}."
            )
        if not 1 <= self.top_k <= MAX_TOP_K:
            raise BadTopK(f"top_k is {self.top_k}.")
        return replace(self, text=text)


@dataclass(frozen=True, slots=True)
class SourcePassage:
    """A retrieved piece of a document."""

    chunk_id: str
    document_id: str
    document_name: str
    text: str
    start: int
    """Offset of the first character of ``text`` in the document's extracted text."""
    end: int
    score: float
    """Relevance in [0, 1]; comparable within one retrieval only."""
    title: str = ""
    page: int | None = None
    """Counted from 1; None where the format has no pages."""
    heading: str = ""
    """The headings above the passage, outermost first, joined by `` > ``."""
    similarity: float | None = None
    """Cosine similarity to the question; None when it was not compared by meaning."""
    unquotable: tuple[tuple[int, int], ...] | None = None
    """The (start, end) in ``text`` that a guard keeps out of quotes. Unless None, no model reads
    the passage: a guard suspects orders in it."""

    @property
    def is_readable(self) -> bool:
        """Return whether a model may read the passage."""
        return self.unquotable is None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Result of retrieval, best passage first."""

    passages: tuple[SourcePassage, ...]
    degraded_mode: bool = False
    """True when only keywords were searched, because the embedder or the vector index is down."""
    index_version: str = ""
    cache_hit: bool = False
    unjudged: int = 0
    """Number of passages left out because their guard failed or was late."""
    withheld: tuple[str, ...] = ()
    """Names of the documents whose passages, or sentences of them, a guard left out."""
    labels: tuple[str, ...] = ()
    """Access labels of the caller that permitted passages."""
    percent_read: int = 100
    """How far the project's first reading is; until 100, documents are missing."""

    @property
    def readable(self) -> tuple[SourcePassage, ...]:
        """Return the passages that a model may read."""
        return tuple(passage for passage in self.passages if passage.is_readable)


@dataclass(frozen=True, slots=True)
class Citation:
    """The proof of a sentence: an exact quote and where it stands."""

    number: int
    """Counted from 1, as ``[1]`` in the answer's text."""
    document_id: str
    document_name: str
    chunk_id: str
    quote: str
    """Verbatim: equals the document's text from ``start`` to ``end``."""
    start: int
    end: int
    score: float
    """Coverage of the question (extractive) or the sentence (generated), in [0, 1]."""
    title: str = ""
    page: int | None = None
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """Verdict of a guard on a sentence."""

    withheld: str = ""
    """Why it must not be shown; empty when it may be."""
    bypassed: Mapping[str, str] = field(default_factory=dict)
    """Decisions of guards that a bypass kept from taking effect."""


@dataclass(frozen=True, slots=True)
class PipelineStage:
    """One step of an answer and what it took."""

    name: str
    duration_ms: float
    outcome: str = "ok"
    """``ok``, ``degraded``, ``fallback``, ``blocked``, ``interrupted`` or ``skipped``."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """JSON-ready, without document text or personal data."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to a question; ``found`` is False when the documents do not hold it."""

    id: str
    trace_id: str
    project: str
    question: str
    text: str
    found: bool
    citations: tuple[Citation, ...]
    degraded_mode: bool
    cache_hit: bool
    model: str
    """The generator that wrote the text: ``extractive`` or the remote model's name."""
    confidence: float
    """How much of the question the cited sentences cover, in [0, 1]; 0 when not found."""
    created_at: datetime
    notice: str = ""
    """Why the answer is not the usual one: a fallback's reason, a guard's, or the documents of
    withheld passages; empty normally."""
    blocked: bool = False
    """True when a guard withheld the answer; ``notice`` says why."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Record of an answer and its stages, for review, evaluation and replay."""

    id: str
    answer: Answer
    user_id: str
    stages: tuple[PipelineStage, ...]
    retrieved: tuple[tuple[str, float], ...]
    """The chunk ids with their scores, best first."""
    index_version: str
    input_tokens: int
    output_tokens: int
    top_k: int
    cost_usd: float = 0.0
    labels: tuple[str, ...] = ()
    """Access labels that permitted passages: a caller without them may not see the answer."""
    drill: bool = False
    """True for questions of a drill."""

    @property
    def duration_ms(self) -> float:
        """Return the time of all stages together."""
        return sum(stage.duration_ms for stage in self.stages)

    @property
    def grounding(self) -> float:
        """Return how well a found answer is supported, in [0, 1].

        Quotes are fully supported. A model's answer has the guard's score for its worst sentence
        where the guard has seen it; otherwise the share of its sentences that stands in the
        passages they cite.
        """
        if self.answer.model == EXTRACTIVE:
            return 1.0
        for stage in self.stages:
            scores = stage.facts.get("scores")
            made_up = scores.get("hallucination") if isinstance(scores, dict) else None
            if isinstance(made_up, int | float):
                return 1.0 - float(made_up)
        return self.answer.confidence


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Which traces to list; None leaves a condition out."""

    project: str | None = None
    found: bool | None = None
    blocked: bool | None = None
    since: datetime | None = None
    before: str | None = None
    """Id of a trace: only those listed after it, which are older."""


@dataclass(frozen=True, slots=True)
class SamplingRules:
    """Answers that need a look are always taken, of the others a share.

    Args:
        share: Of the unsuspicious answers, in [0, 1].
        low_confidence: Found answers below this are taken.
    """

    share: float = 0.02
    low_confidence: float = 0.5

    def reason(self, trace: Trace) -> str:
        """Return why this answer should be reviewed; empty when it need not be.

        The share is chosen by the trace's id, so that every process and every repetition chooses
        the same.
        """
        answer = trace.answer
        outcomes = {stage.outcome for stage in trace.stages}
        rules = (
            ("bypassed", any(stage.facts.get("bypassed") for stage in trace.stages)),
            ("blocked", answer.blocked),
            ("fallback", "fallback" in outcomes),
            ("degraded", answer.degraded_mode),
            ("not_found", not answer.found and not answer.blocked),
            ("low_confidence", answer.found and answer.confidence < self.low_confidence),
            ("sample", chosen(trace.id, self.share)),
        )
        return next((name for name, applies in rules if applies), "")


def chosen(key: str, share: float, salt: str = "review") -> bool:
    """Return whether the key is in a share of all keys; larger shares include smaller ones."""
    digest = hashlib.sha256(f"{salt} {key}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


@dataclass(frozen=True, slots=True)
class AnswerResult:
    """An answer and how it came about."""

    answer: Answer
    trace: Trace


@dataclass(frozen=True, slots=True)
class Feedback:
    """Feedback of a user on an answer."""

    id: str
    trace_id: str
    user_id: str
    at: datetime
    helpful: bool
    """Thumb up or down."""
    comment: str = ""
    """At most 2,000 characters."""
    reason: str = ""
    """``slow``: the answer took too long; empty names none."""


SLOW = "slow"
"""Reason of feedback: the answer took too long."""
