"""Runs the parser process: one warm worker, killed when it exceeds its limits."""

import json
import logging
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import orjson
import psutil

import trimtab
from trimtab.extraction.markdown_tables import render_markdown_tables
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge import markdown
from trimtab.knowledge.errors import (
    DocumentEmpty,
    DocumentEncrypted,
    DocumentTooLarge,
    DocumentUnreadable,
    ParserFailed,
    ParserUnavailable,
)
from trimtab.knowledge.parsing.content import Content
from trimtab.knowledge.parsing.formats import (
    Format,
    decode_file,
    detect_format,
    encoding_unknown,
    refuse_binary,
    text_too_long,
)
from trimtab.knowledge.parsing.gzip_file import GZIP, unpack
from trimtab.knowledge.parsing.installation import damage, environment
from trimtab.knowledge.records import ParsedDocument

_log = logging.getLogger(__name__)
_MB = 1024 * 1024
# A library's leaks end with its process: a worker is replaced after this many files.
_FILES_PER_WORKER = 50
_MAX_RESIDENT_MB = 256
_SOURCE = str(Path(trimtab.__file__).parents[1])
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from trimtab.extraction.worker import main; main()"
)
_ROWS = frozenset({"text/csv", "text/tab-separated-values", "application/json", "text/x-log"})
"""Text formats that are rendered row by row."""


class Parser:
    """Extracts the text of files. Safe for many threads; one file is parsed at a time.

    Text, Markdown, CSV and JSON are decoded here; everything else goes to the worker.

    Args:
        settings: The limits.
        folder: A private folder, the worker's home.
    """

    def __init__(self, settings: KnowledgeSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._lock = threading.Lock()
        self._worker: _Worker | None = None

    def parse(
        self, name: str, data: bytes | Content, media_type: str | None = None
    ) -> ParsedDocument:
        """Return the file's text.

        Args:
            name: The file's name; its ending decides the format, before the media type.
            data: The file; a large one as a stream, of which text alone is read whole.
            media_type: As stated by an uploader, if at all.

        Raises:
            DocumentTooLarge: The file, what it unpacks to, or its text is over a limit.
            DocumentTypeUnsupported: See `detect_format`.
            DocumentEncrypted: It has a password.
            DocumentUnreadable: It is damaged, or its encoding cannot be detected.
            DocumentEmpty: There is no text in it.
            ParserFailed: The worker ran into its limits or crashed.
            ParserUnavailable: The parser's own installation is damaged.
        """
        content = data if isinstance(data, Content) else Content(data)
        if content.size > self._settings.max_document_mb * _MB:
            raise too_large(name, content.size, self._settings)
        if content.read(2) == GZIP:
            name, content = unpack(name, content, self._settings.max_document_mb)
        known = detect_format(name, content, media_type)
        title = ""
        pages: tuple[int, ...] = ()
        warnings: tuple[str, ...] = ()
        if known.kind == "text":
            text = decode_file(name, content, self._settings.max_text_characters)
            if known.media_type in _ROWS:
                text = _rendered(known.media_type, text, self._settings.max_text_characters)
            elif known.marked_up and "|" in text:
                text = render_markdown_tables(text)
            if len(text) > self._settings.max_text_characters:
                raise text_too_long(name, self._settings.max_text_characters)
        else:
            text, title, pages, warnings = self._extract(name, content, known)
        if not text.strip():
            raise DocumentEmpty(" ".join([f"{name} holds no text.", *warnings]))
        title = title or (markdown.title(text) if known.marked_up else "") or PurePath(name).stem
        return ParsedDocument(text, title, known.media_type, pages, known.marked_up, warnings)

    def stop_worker(self) -> None:
        """End the warm worker, if any; the next file starts another."""
        with self._lock:
            self._end()

    @property
    def worker_pid(self) -> int | None:
        """The warm worker's process id, if there is one."""
        worker = self._worker
        return worker.process.pid if worker else None

    def _extract(
        self, name: str, data: Content, known: Format
    ) -> tuple[str, str, tuple[int, ...], tuple[str, ...]]:
        """Return text, title, page offsets and warnings as the worker answers them."""
        if known.kind == "markup":
            refuse_binary(name, data)
        answer = self._ask(name, data, known.media_type)
        if "error" in answer:
            raise self._refusal(name, str(answer["error"]), str(answer["detail"]))
        pages = tuple(int(offset) for offset in answer["pages"])
        warnings = tuple(map(str, answer["warnings"]))
        return str(answer["text"]), str(answer["title"]), pages, warnings

    def _ask(self, name: str, data: Content, media_type: str) -> dict[str, Any]:
        header = {
            "media_type": media_type,
            "max_inflated_bytes": self._settings.max_inflated_mb * _MB,
            "max_text_characters": self._settings.max_text_characters,
        }
        with self._lock:
            worker = self._worker or _Worker.start(self._settings, environment(self._folder))
            self._worker = worker
            answer = worker.ask(json.dumps(header).encode(), data, self._settings.parse_seconds)
            if answer is None:
                reason = worker.why_it_ended()
                self._end()
                _log.warning("parser worker ended", extra={"reason": reason, "bytes": data.size})
                raise ParserFailed(f"{name} could not be parsed: the parser {reason}.")
            worker.served += 1
            if worker.served >= _FILES_PER_WORKER or worker.resident_mb() > _MAX_RESIDENT_MB:
                self._end()
            return answer

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def _refusal(self, name: str, error: str, detail: str) -> TrimtabError:
        if error in ("inflated", "text"):
            return self._too_much(name, error)
        match error:
            case "encrypted":
                return DocumentEncrypted(f"{name} is protected by a password.")
            case "memory":
                return ParserFailed(f"{name} needs more memory than the parser may have.")
            case "encoding":
                return encoding_unknown(name)
            case "installation":
                return ParserUnavailable(
                    f"{name} was not parsed: the parser cannot work: {damage() or detail}."
                )
            case _:
                return DocumentUnreadable(
                    f"{name} cannot be read: {detail.rstrip('.') or 'it is damaged'}."
                )

    def _too_much(self, name: str, error: str) -> DocumentTooLarge:
        if error == "text":
            return text_too_long(name, self._settings.max_text_characters)
        limit = self._settings.max_inflated_mb
        return DocumentTooLarge(
            f"{name} unpacks to more than {limit} MB (knowledge.max_inflated_mb)."
        )


@dataclass
class _Worker:
    """The running process and what happened to it."""

    process: subprocess.Popen[bytes]
    served: int = 0
    timed_out: bool = False

    @classmethod
    def start(cls, settings: KnowledgeSettings, environment: dict[str, str]) -> "_Worker":
        limits = {
            "memory_bytes": settings.parse_memory_mb * _MB,
            "cpu_seconds": settings.parse_seconds,
        }
        process = subprocess.Popen(  # noqa: S603 - our own file, run by this interpreter.
            [sys.executable, "-I", "-c", _BOOT, _SOURCE, json.dumps(limits)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        return cls(process)

    def ask(self, header: bytes, data: Content, seconds: float) -> dict[str, Any] | None:
        """Return the answer, or None when the process ended or was killed for being slow."""
        timer = threading.Timer(seconds, self._out_of_time)
        timer.start()
        try:
            return self._exchange(header, data)
        except (OSError, ValueError):
            return None
        finally:
            timer.cancel()
            timer.join()

    def _exchange(self, header: bytes, data: Content) -> dict[str, Any] | None:
        incoming, outgoing = self.process.stdin, self.process.stdout
        if incoming is None or outgoing is None:
            return None
        for part in (Content(header), data):
            incoming.write(part.size.to_bytes(8, "big"))
            for block in part.blocks():
                incoming.write(block)
        incoming.flush()
        size = outgoing.read(8)
        answer = outgoing.read(int.from_bytes(size, "big"))
        if len(size) < 8 or not answer:
            return None
        found: dict[str, Any] = orjson.loads(answer)
        return found

    def _out_of_time(self) -> None:
        self.timed_out = True
        self.process.kill()

    def resident_mb(self) -> float:
        try:
            return float(psutil.Process(self.process.pid).memory_info().rss) / _MB
        except psutil.Error:
            return 0.0

    def why_it_ended(self) -> str:
        self.process.kill()
        code = self.process.wait()
        if self.timed_out or code == -signal.SIGXCPU:
            return "ran out of time (knowledge.parse_seconds)"
        if code == -signal.SIGABRT:
            return "ran out of memory (knowledge.parse_memory_mb) or crashed"
        return f"crashed (exit {code})"

    def kill(self) -> None:
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    _log.debug("parser pipe was broken already")
        self.process.wait()


def _rendered(media_type: str, text: str, limit: int) -> str:
    """Return the rows of the text; the text as it is where they would be over the limit."""
    match media_type:
        case "application/json":
            from trimtab.extraction.json_rows import render_json as render
        case "text/x-log":
            from trimtab.extraction.log_lines import render_log as render
        case _:
            from trimtab.extraction.delimited import render_delimited as render
    rows = render(text)
    return rows if len(rows) <= limit else text


def too_large(name: str, size: int, settings: KnowledgeSettings) -> DocumentTooLarge:
    """Return the error for a file over the limit."""
    return DocumentTooLarge(
        f"{name} has {size / _MB:.1f} MB; the limit is {settings.max_document_mb} MB "
        "(knowledge.max_document_mb)."
    )
