"""Counts logged errors by type and log lines that show known symptoms."""

import logging
import re
import threading
from collections import Counter
from collections.abc import Mapping

OTHER = "other"
_MAX_TYPES = 50
"""Limit on the cardinality of the metric; types are class names, so there are normally few."""

SYMPTOMS: Mapping[str, re.Pattern[str]] = {
    "vector_store_unreachable": re.compile(
        r"chromadb\.errors\.\w+|vector[ _]store (?:is down|unreachable|connection)", re.IGNORECASE
    ),
    "out_of_memory": re.compile(r"MemoryError|malloc failed|OOMKilled|bad_alloc|Cannot allocate"),
    "disk_full": re.compile(
        r"\[Errno 28\]|No space left on device|disk is full|disk of \S+ is full"
    ),
    "model_not_loaded": re.compile(
        r"Embedding model failed to load|embedding_model (?:cannot be loaded|is down)"
    ),
    "database_malformed": re.compile(
        r"database disk image is malformed|integrity check failed", re.IGNORECASE
    ),
    "connection_pool_exhausted": re.compile(r"Connection pool exhausted"),
    "checkpoint_failed": re.compile(
        r"checkpoint\w{0,20}\b.{0,80}\b(?:fail|busy|locked)", re.IGNORECASE
    ),
}
"""Symptoms by name, with the log texts that the operations documents give for them."""


class LogCounters(logging.Handler):
    """A log handler that counts records without storing their texts."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._guard = threading.Lock()
        self._errors: Counter[str] = Counter()
        self._symptoms: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Count the record's error type and symptoms."""
        text = _text_of(record)
        seen = [name for name, pattern in SYMPTOMS.items() if pattern.search(text)]
        with self._guard:
            self._symptoms.update(seen)
            if record.levelno >= logging.ERROR:
                self._errors[self._known(_type_of(record))] += 1

    def errors(self) -> Mapping[str, int]:
        """Return the number of records of level ERROR since the start, by ``error_type``."""
        with self._guard:
            return dict(self._errors)

    def symptoms(self) -> Mapping[str, int]:
        """Return the number of records (WARNING and above) by symptom; unseen ones have 0."""
        with self._guard:
            return {name: self._symptoms[name] for name in SYMPTOMS}

    def _known(self, error_type: str) -> str:
        full = len(self._errors) >= _MAX_TYPES and error_type not in self._errors
        return OTHER if full else error_type


def _text_of(record: logging.LogRecord) -> str:
    text = record.getMessage()
    seen: set[int] = set()
    cause = record.exc_info[1] if record.exc_info else None
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        kind = type(cause)
        text += f"\n{kind.__module__}.{kind.__qualname__}: {cause}"
        cause = cause.__cause__ or cause.__context__
    return text


def _type_of(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[0] is not None:
        return record.exc_info[0].__name__
    return str(getattr(record, "error_type", OTHER))
