"""The parser's process: reads one file after another from standard input and answers with its text.

Run by path with ``python -I``; it imports nothing of trimtab, so that it starts fast and stays
small. Each message is a length (8 bytes, big-endian) and that many bytes: first a JSON header, then
the file; the answer is one JSON object. The kernel enforces the limits (setrlimit), so that no
library can evade them. With ``--unpack`` it reads one PDF file of its own without the ban on
writing, so that the package unpacks its libraries; see ``native.py``.
"""

import email
import email.policy
import functools
import io
import json
import re
import resource
import sys
import zipfile
from html.parser import HTMLParser
from typing import IO, Any

PAGE_MARK = "\u241ePAGE{page_num}\u241e"
_PAGE = re.compile(r"(?:(?<!\s)\s++)?\u241ePAGE(\d+)\u241e\s*+")
# As in formats.py, from which this file may not import.
_INVISIBLE = re.compile(
    "[\u00ad\u200b\u2060\ufeff]|(?<=[A-Za-z\u00c0-\u024f])[\u200c\u200d]++(?=[A-Za-z\u00c0-\u024f])"
)
_HTML_PREAMBLE = re.compile(r"\A---\n+(?:## [^\n]*|[^\n#:]+:[^\n]*)?(?:\n+---)?\n+")
_PDF, _HTML, _MAIL = "application/pdf", "text/html", "message/rfc822"
_CHARSET = re.compile(rb"charset=[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_SHOWN = ("Subject", "From", "To", "Cc", "Date")
# Programs write the name of a set and use its superset.
_MEANT = {
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "iso-2022-jp": "iso2022_jp_ext",
    "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "iso-8859-1": "cp1252", "us-ascii": "utf-8",
    "big5": "cp950",
}  # fmt: skip
_PLAIN = frozenset({_PDF})
_ZIPPED = "application/vnd.openxmlformats-officedocument."


# A minimal readable PDF; without a table of offsets, which readers have to repair anyway.
_PROBE = (
    b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n"
    b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
    b"/Resources<</Font<</F1 "
    b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>\nendobj\n"
    b"4 0 obj\n<</Length 42>>\nstream\nBT /F1 12 Tf 72 720 Td (probe text) Tj ET"
    b" \nendstream\nendobj\n"
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
        return _read(data, header["media_type"], header["max_text_characters"])
    except MemoryError:
        return {"error": "memory", "detail": ""}
    except zipfile.BadZipFile as error:
        return {"error": "unreadable", "detail": str(error)}


def _inflation(data: bytes, most: int) -> dict[str, Any] | None:
    """Refuse an archive that unpacks to too much; counts real bytes, as a directory can lie."""
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


def _read(data: bytes, media_type: str, most: int) -> dict[str, Any]:
    if media_type == _MAIL:
        return _mail(data, most)
    if media_type == _HTML:
        title, body = _without_head(data)
        found = _extract(body, media_type, most)
        return {**found, "title": title or found["title"]} if "title" in found else found
    return _extract(data, media_type, most)


class _Title(HTMLParser):
    """Collects the text of the first title element."""

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._inside = tag == "title" and not self.title

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.title += data


def _without_head(data: bytes) -> tuple[str, bytes]:
    """Return an HTML page's title, and the page without its head.

    kreuzberg would render the head as text.

    A page without a body tag, or in UTF-16, is returned as it is.
    """
    begin = data.lower().find(b"<body")
    if begin < 0:
        return "", data
    head = data[:begin]
    stated = _CHARSET.search(head)
    charset = stated[1].decode("ascii") if stated else "utf-8"
    reader = _Title()
    try:
        reader.feed(head.decode(charset, "replace"))
    except LookupError:
        reader.feed(head.decode("utf-8", "replace"))
    declared = f'<meta charset="{charset}">'.encode()
    return " ".join(reader.title.split()), b"<html><head>" + declared + b"</head>" + data[begin:]


def _mail(data: bytes, most: int) -> dict[str, Any]:
    """Return headers and body of an e-mail, line by line, by its declared character sets."""
    try:
        message = email.message_from_bytes(data, policy=email.policy.default)
        part = message.get_body(("plain", "html"))
        charset = part.get_content_charset() if part is not None else None
        payload = part.get_payload(decode=True) if part is not None else b""
        body = _decode(payload, charset) if isinstance(payload, bytes) else ""
        headers = {name: _header(message[name], charset) for name in _SHOWN if message[name]}
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        return {"error": "unreadable", "detail": f"{type(error).__name__}: {error}"[:300]}
    if part is not None and part.get_content_type() == _HTML:
        page = _extract(b'<meta charset="utf-8">' + body.encode(), _HTML, most)
        if "error" in page:
            return page
        body = page["text"]
    shown = "".join(f"**{name}**: {value}\n\n" for name, value in headers.items())
    text = _INVISIBLE.sub("", shown + body.replace("\r\n", "\n").replace("\x00", ""))
    if len(text) > most:
        return {"error": "text", "detail": ""}
    return {"text": text, "pages": [], "title": headers.get("Subject", "")}


def _decode(payload: bytes, charset: str | None) -> str:
    """Decode a body as declared, with the character set that programs mean by the name.

    Raises:
        UnicodeDecodeError, LookupError: It is in another character set, or that is unknown.
    """
    name = (charset or "utf-8").lower()
    try:
        return payload.decode(_MEANT.get(name, name))
    except UnicodeDecodeError:
        if charset is None or name == "us-ascii":
            return payload.decode("cp1252", "replace")
        raise


def _header(value: str, charset: str | None) -> str:
    """Return a header in one line; undeclared bytes are read in the body's character set."""
    raw = str(value).encode("utf-8", "surrogateescape")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = _decode(raw, charset)
    return " ".join(text.split())


def _extract(data: bytes, media_type: str, most: int) -> dict[str, Any]:
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
    content = _INVISIBLE.sub("", result.content.replace("\r\n", "\n").replace("\x00", ""))
    if media_type == _HTML:
        content = _HTML_PREAMBLE.sub("", content, count=1)
    text, pages = _paged(content)
    if len(text) > most:
        return {"error": "text", "detail": ""}
    title = result.metadata.get("title") or result.metadata.get("subject")
    return {"text": text, "pages": pages, "title": str(title or "")}


@functools.cache
def _damage() -> str:
    """Return why the PDF library cannot read even a known good file; empty if it can."""
    try:
        import kreuzberg
    except (ImportError, OSError) as error:
        return str(error)[:300]
    config = kreuzberg.ExtractionConfig(use_cache=False, disable_ocr=True)  # type: ignore[call-arg]
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
