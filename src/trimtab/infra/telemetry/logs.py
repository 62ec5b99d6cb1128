"""Logs with redacted secrets: one JSON object per line, or short lines for people."""

import logging
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import TextIO

import orjson

from trimtab.infra.telemetry.log_files import LogFiles, RotatingLog
from trimtab.kernel.redaction import hide_credentials

_LINE = "trimtab_line"
"""Attribute of a record: its formatter and its line, so that several handlers format it once."""
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", _LINE}
_STANDARD_COUNT = len(vars(logging.makeLogRecord({})))
"""The standard attributes of a record come first, the fields of ``extra=`` after them."""
_NUMBERS = frozenset((bool, int, float))
_SECRET_FIELD = re.compile(r"(?i)(authorization|api[-_]?key|password|passwd|secret|token|cookie)$")
_SECRET_TEXT = re.compile(r"(?i)\b(bearer\s+|tt_|sk-|ghp_|xox[baprs]-)[A-Za-z0-9_\-.]{8,}")
_HIDDEN = "[redacted]"
_POOL = "sqlalchemy.pool.impl.QueuePool"
"""Logger of the connections of databases."""


def configure_logs(
    level: str,
    stream: TextIO | None = None,
    files: LogFiles | None = None,
    *,
    profile: str = "upper",
    queries: bool = False,
    human: bool = False,
) -> None:
    """Configure logs to a stream (standard error) and JSON logs to files.

    The stream's are JSON too, or with ``human`` short lines for a person at a terminal.

    The log queries of the contract read the fields ``level`` (upper or lower case, by the profile),
    ``message``, ``time`` and ``error_type``. With ``queries`` (``knowledge.log_queries``) each line
    has ``query``, empty if there is none: ``jq -r .query`` would print the word null for a line
    without it, which counts as a query.
    """
    # No line of ours tells thread, process or place in the code, and finding them out for each
    # record costs as much as writing it. The logging documentation names these switches.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001
    json_lines = JsonFormatter(lower=profile == "lower", queries=queries)
    shown = logging.StreamHandler(stream or sys.stderr)
    shown.setFormatter(HumanFormatter() if human else json_lines)
    handlers: list[logging.Handler] = [shown]
    if files:
        handlers.append(RotatingLog(files))
        handlers[-1].setFormatter(json_lines)
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(level)
    for noisy in ("httpx", "httpcore", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger(_POOL).addFilter(_is_not_interrupted)


def _is_not_interrupted(record: logging.LogRecord) -> bool:
    """Return False for a connection whose reset a Ctrl-C has cut short: it is closed at once."""
    return record.exc_info is None or record.exc_info[0] is not KeyboardInterrupt


class JsonFormatter(logging.Formatter):
    """Formats a record and its ``extra=`` fields as a line of JSON.

    Args:
        lower: Write the level in lower case.
        queries: Add the field ``query`` to each line.
    """

    def __init__(self, *, lower: bool = False, queries: bool = False) -> None:
        super().__init__()
        self._lower = lower
        self._queries = queries

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        made_by, made = getattr(record, _LINE, (None, ""))
        if made_by is self:
            return str(made)
        line: dict[str, object] = {
            "time": _timestamp(record.created),
            "level": record.levelname.lower() if self._lower else record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        line.update(_fields(record))
        if self._queries:
            line.setdefault("query", "")
        if record.exc_info and record.exc_info[0] is not None:
            line["error_type"] = record.exc_info[0].__name__
            line["traceback"] = redacted(self.formatException(record.exc_info))
        text = orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        setattr(record, _LINE, (self, text))
        return text


class HumanFormatter(logging.Formatter):
    """Formats a record as ``12:01:02 warning  message  field=value``; errors without traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line; the log files have the rest."""
        at = datetime.fromtimestamp(record.created).astimezone()
        level = record.levelname.lower() if record.levelno >= logging.WARNING else ""
        fields = "".join(
            f"  {name}={value}"
            for name, value in _fields(record).items()
            if value not in ("", None)
        )
        error = record.exc_info[1] if record.exc_info else None
        why = f"  {type(error).__name__}: {redacted(str(error))}" if error is not None else ""
        text = f"{redacted(record.getMessage())}{fields}{why}"
        return f"{at:%H:%M:%S} {level:<8} {' '.join(text.split(chr(10)))}"


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """Return the ``extra=`` fields, with secrets hidden."""
    found: dict[str, object] = {}
    for name, value in islice(vars(record).items(), _STANDARD_COUNT, None):
        if name in _STANDARD:
            continue
        if _is_secret(name):
            found[name] = _HIDDEN
        else:
            found[name] = value if type(value) in _NUMBERS else _clean(value)
    return found


def _timestamp(seconds: float) -> str:
    """Return seconds since the epoch in ISO 8601, with milliseconds, in UTC."""
    whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{_second(whole)}.{micros // 1000:03d}+00:00"


@lru_cache(4)
def _second(seconds: int) -> str:
    """Return the time without its fraction; many lines fall into one second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def redacted(text: str) -> str:
    """Return the text without API keys and credentials in URLs."""
    # A credential has a mark, a blank or a sign next to letters and digits.
    if text.isalnum():
        return text
    # Each kind of key has one of these marks; most texts, such as paths and ids, have none.
    if "_" in text or "-" in text or len(text.split(None, 1)) > 1:
        text = _SECRET_TEXT.sub(_HIDDEN, text)
    return hide_credentials(text) if "=" in text or "://" in text else text


@lru_cache(1000)
def _is_secret(field: str) -> bool:
    return _SECRET_FIELD.search(field) is not None


def _clean(value: object) -> object:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {k: _HIDDEN if _is_secret(str(k)) else _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value
