"""The parser's process: reads one file after another from standard input and answers with its text.

Run by path with ``python -I``; it imports nothing of trimtab, so that it starts fast and stays small. Each message is
a length (8 bytes, big-endian) and that many bytes: first a JSON header, then the file; the answer is one JSON object.
The limits are the kernel's (setrlimit), so that no library can talk its way around them. With ``--unpack`` it reads
one PDF file of its own without the ban on writing, so that the package unpacks its libraries; see ``native.py``.
"""

import functools
import io
import json
import re
import resource
import sys
import zipfile
from typing import IO, Any

PAGE_MARK = "\u241ePAGE{page_num}\u241e"
_PAGE = re.compile(r"(?:(?<!\s)\s++)?\u241ePAGE(\d+)\u241e\s*+")
_HTML_PREAMBLE = re.compile(r"\A---\n+(?:## [^\n]*|[^\n#:]+:[^\n]*)?(?:\n+---)?\n+")
_PDF = "application/pdf"
_PLAIN = frozenset({_PDF})
_ZIPPED = "application/vnd.openxmlformats-officedocument."


# What a PDF library that works can read; the table of offsets is left out, which readers have to repair anyway.
_PROBE = (
    b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n"
    b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 "
    b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>\nendobj\n"
    b"4 0 obj\n<</Length 42>>\nstream\nBT /F1 12 Tf 72 720 Td (probe text) Tj ET \nendstream\nendobj\n"
    b"trailer\n<</Size 5/Root 1 0 R>>\n%%EOF\n"
)


def main() -> None:
    """Serve until standard input closes."""
    if sys.argv[1] == "--unpack":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sys.exit(_damage() or 0)
    limits = json.loads(sys.argv[1])
    memory = limits["memory_bytes"]
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    while (header := _received(incoming)) is not None:
        _limit_cpu(limits["cpu_seconds"])
        data = _received(incoming) or b""
        answer = json.dumps(_answer(json.loads(header), data)).encode()
        outgoing.write(len(answer).to_bytes(8, "big") + answer)
        outgoing.flush()


def _received(stream: IO[bytes]) -> bytes | None:
    size = stream.read(8)
    return stream.read(int.from_bytes(size, "big")) if len(size) == 8 else None


def _limit_cpu(seconds: float) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = usage.ru_utime + usage.ru_stime
    resource.setrlimit(resource.RLIMIT_CPU, (int(spent + seconds) + 1, resource.RLIM_INFINITY))


def _answer(header: dict[str, Any], data: bytes) -> dict[str, Any]:
    try:
        if header["media_type"].startswith(_ZIPPED):
            refusal = _inflation(data, header["max_inflated_bytes"])
            if refusal:
                return refusal
        return _extracted(data, header["media_type"], header["max_text_characters"])
    except MemoryError:
        return {"error": "memory", "detail": ""}
    except zipfile.BadZipFile as error:
        return {"error": "unreadable", "detail": str(error)}


def _inflation(data: bytes, most: int) -> dict[str, Any] | None:
    """Refuse an archive that unpacks to too much, counting real bytes: a directory can lie about sizes."""
    total = 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            if entry.flag_bits & 1:
                return {"error": "encrypted", "detail": ""}
            with archive.open(entry) as stream:
                while block := stream.read(1 << 20):
                    total += len(block)
                    if total > most:
                        return {"error": "inflated", "detail": ""}
    return None


def _extracted(data: bytes, media_type: str, most: int) -> dict[str, Any]:
    try:
        import kreuzberg
    except (ImportError, OSError) as error:
        return {"error": "installation", "detail": str(error)[:300]}

    config = kreuzberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        disable_ocr=True,  # type: ignore[call-arg] # Missing in the library's stubs.
        output_format="plain" if media_type in _PLAIN else "markdown",
        pages=kreuzberg.PageConfig(insert_page_markers=True, marker_format=f"\n\n{PAGE_MARK}\n\n"),
    )
    try:
        result = kreuzberg.extract_bytes_sync(data, media_type, config=config)
    except (kreuzberg.KreuzbergError, ValueError, RuntimeError) as error:
        detail = str(error)[:300]
        if isinstance(error, kreuzberg.MissingDependencyError):
            return {"error": "installation", "detail": detail}
        damage = _damage() if media_type == _PDF else ""
        if damage:
            return {"error": "installation", "detail": damage}
        protected = re.search(r"password|encrypt", detail, re.IGNORECASE)
        return {"error": "encrypted" if protected else "unreadable", "detail": detail}
    content = result.content.replace("\r\n", "\n").replace("\x00", "")
    if media_type == "text/html":
        content = _HTML_PREAMBLE.sub("", content, count=1)
    text, pages = _paged(content)
    if len(text) > most:
        return {"error": "text", "detail": ""}
    title = result.metadata.get("title") or result.metadata.get("subject")
    return {"text": text, "pages": pages, "title": str(title or "")}


@functools.cache
def _damage() -> str:
    """Return why the PDF library reads nothing, not even a file that is known to be good; or nothing."""
    try:
        import kreuzberg
    except (ImportError, OSError) as error:
        return str(error)[:300]
    config = kreuzberg.ExtractionConfig(use_cache=False, disable_ocr=True)  # type: ignore[call-arg] # As above.
    try:
        found = kreuzberg.extract_bytes_sync(_PROBE, _PDF, config=config).content
    except (kreuzberg.KreuzbergError, OSError, RuntimeError, ValueError) as error:
        return str(error)[:300] or type(error).__name__
    return "" if "probe text" in found else "it finds no text in a file that has some"


def _paged(content: str) -> tuple[str, list[int]]:
    """Take the page marks out; return the text and the offset at which each page begins."""
    pieces: list[str] = []
    pages: list[int] = []
    length = last = 0
    for mark in _PAGE.finditer(content):
        piece = content[last : mark.start()]
        piece += "\n\n" if pieces or piece else ""
        pieces.append(piece)
        length += len(piece)
        pages.append(length)
        last = mark.end()
    return "".join([*pieces, content[last:]]), pages


if __name__ == "__main__":
    main()
