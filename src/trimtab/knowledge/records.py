"""Records of documents, ingestion results and search results."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trimtab.infra.folders import LeftOut
from trimtab.kernel.errors import TrimtabError

STANDARD, MULTILINGUAL = "standard", "multilingual"
"""Names of the embedders; `embedders` has their models."""

Labels = tuple[str, ...] | None
"""A caller's access labels, sorted; None is for internal work, which sees every document."""


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """The text of a file."""

    text: str
    title: str
    media_type: str
    pages: tuple[int, ...] = ()
    """Offset of the first character of each page; empty where the format has no pages."""
    marked_up: bool = False
    """Whether ``#`` at the start of a line is a heading."""
    warnings: tuple[str, ...] = ()
    """What of the file is not in the text, a sentence each."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a document's text that is found and cited as one.

    The chunks of a document, in order, are its text: nothing is lost and nothing is there twice.
    """

    id: str
    ordinal: int
    start: int
    end: int
    text: str
    page: int | None
    heading: str


class DocumentState(StrEnum):
    """Progress of a document's ingestion."""

    READY = "ready"
    """Found by words and by meaning."""
    QUEUED = "queued"
    """Stored and found by words; its vectors are made when the model is back."""
    DEAD = "dead"
    """Stored and found by words; its vectors could not be made after several attempts."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as its project lists it."""

    id: str
    project: str
    name: str
    title: str
    media_type: str
    size_bytes: int
    characters: int
    chunks: int
    state: DocumentState
    version: int
    """1 at first; one more at each change of content."""
    created_at: datetime
    updated_at: datetime
    attempts: int = 0
    last_error: str = ""
    reviewed: bool = False
    """Whether a person has reviewed this version."""


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A page of a project's documents."""

    documents: tuple[Document, ...]
    total: int
    """Number of documents on all pages."""


@dataclass(frozen=True, slots=True)
class DocumentPassage:
    """A passage with the document that it stands in."""

    document_id: str
    document_name: str
    title: str
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Result of one ingestion."""

    document_id: str
    name: str
    status: str
    """``ingested``, ``unchanged`` or ``queued``."""
    reason: str = ""
    """Why it is queued: ``embedding_model_unavailable``."""
    chunks: int = 0
    embedded_chunks: int = 0
    """How many of them needed a new vector."""
    version: int = 1
    warnings: tuple[str, ...] = ()
    """What of the file is not in the text: scanned pages, hidden sheets; a sentence each."""


@dataclass(frozen=True, slots=True)
class FailedDocument:
    """A document of many that was not ingested; nothing of it was written."""

    name: str
    error: TrimtabError


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file of a folder that was not ingested, and the error that says why."""

    name: str
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class FolderIngestResult:
    """Results of a folder's files."""

    documents: tuple[IngestResult, ...]
    refused: tuple[RefusedFile, ...]
    left_out: tuple[LeftOut, ...] = ()
    """Hidden entries, links, and entries that are not regular files."""


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A stretch of a document that answers a query."""

    chunk_id: str
    document_id: str
    document_name: str
    title: str
    text: str
    start: int
    """Offset of its first character: ``text == document_text[start:end]``."""
    end: int
    page: int | None
    heading: str
    score: float
    """0 to 1, comparable within one result only."""
    keyword_score: float | None = None
    """BM25; None when the passage has none of the query's words."""
    vector_score: float | None = None
    """Cosine similarity to the query; None when it was not compared by meaning."""
    similarity: float | None = None
    """The same on the scale of the standard embedder, so that projects can be compared."""
    highlights: tuple[tuple[int, int], ...] = ()
    """Offsets in ``text`` of the words that match the query: start and end of each."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The passages for one query, best first."""

    passages: tuple[FoundPassage, ...]
    degraded_mode: bool
    """True when only words were compared, because the model or the vector index is down."""
    cache_hit: bool
    index_version: int
    """Grows at each change of the project; a result of another version is never served."""
    duration_ms: float
    reason: str = ""
    """Why it is degraded."""


@dataclass(frozen=True, slots=True)
class ProjectStats:
    """A project as ``/api/v1/projects`` lists it."""

    id: str
    name: str
    documents: int
    chunks: int
    vectors: int
    queued: int
    characters: int
    index_version: int
    created_at: datetime
    engine: str = ""
    """How vectors are searched: ``exact`` or ``hnsw`` in this process, empty while the index is not
    in memory; otherwise the server: ``postgres``, ``chroma`` or ``qdrant``."""
    embedder: str = STANDARD
    """Which model makes the vectors: ``standard`` or ``multilingual``."""
    meaning: float | None = None
    """The weight of vectors in the ranking, fitted to the project; None before the first fit."""
