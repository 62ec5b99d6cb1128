"""Detects file formats: by name or stated type, checked against the first bytes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from trimtab.knowledge.errors import (
    DocumentEmpty,
    DocumentEncrypted,
    DocumentTypeUnsupported,
    DocumentUnreadable,
)
from trimtab.knowledge.parsing.content import HEAD_BYTES, Content
from trimtab.knowledge.parsing.encodings import WIDE_MARKS, decode_text

_OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that is ingested."""

    media_type: str
    suffixes: tuple[str, ...]
    kind: str
    """``text``: used as it is; ``markup``: text that the parser renders; ``pdf``; ``zip``."""
    marked_up: bool = False
    """Whether its extracted text has Markdown headings."""


TEXT = Format("text/plain", (".txt", ".text", ".log", ".rst"), "text")
FORMATS = (
    TEXT,
    Format("text/markdown", (".md", ".markdown"), "text", marked_up=True),
    Format("application/json", (".json", ".jsonl"), "text"),
    Format("text/html", (".html", ".htm", ".xhtml"), "markup", marked_up=True),
    Format("text/csv", (".csv",), "text"),
    Format("message/rfc822", (".eml",), "markup"),
    Format("application/pdf", (".pdf",), "pdf"),
    Format(f"{_OFFICE}.wordprocessingml.document", (".docx",), "zip", marked_up=True),
    Format(f"{_OFFICE}.presentationml.presentation", (".pptx",), "zip", marked_up=True),
    Format(f"{_OFFICE}.spreadsheetml.sheet", (".xlsx",), "zip", marked_up=True),
)
SUFFIXES = {suffix: known for known in FORMATS for suffix in known.suffixes}
_BY_TYPE = {known.media_type: known for known in FORMATS}
INVISIBLE = re.compile(
    "[\u00ad\u200b\u2060\ufeff]|(?<=[A-Za-z\u00c0-\u024f])[\u200c\u200d]++(?=[A-Za-z\u00c0-\u024f])"
)
"""Characters without width, which cut words in two for a search.

Joiners have a meaning in other scripts and in emoji.
"""
_BINARY = ("pdf", "zip")
"""Kinds whose first bytes must be theirs; text may begin with anything that no other is."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FOREIGN = {
    b"%PDF-": "a PDF file",
    b"PK\x03\x04": "a ZIP archive or an Office file",
    _OLE: "an old or encrypted Office file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"{\\rtf": "a Rich Text Format (RTF) file",
}
_MARKED_UP = (
    (re.compile(rb"\s{0,100}<\?xml\b"), "an XML file"),
    (re.compile(rb"From \S{1,300} +[A-Z][a-z]{2} [A-Z][a-z]{2} "), "a mailbox of several e-mails"),
)
"""Text that is read as such only when its name says that it is text."""


def detect_format(name: str, data: Content, media_type: str | None) -> Format:
    """Return the file's format.

    Raises:
        DocumentEmpty: It has no bytes.
        DocumentTypeUnsupported: No parser reads it, or the content differs from the name.
        DocumentEncrypted: It is an Office file with a password.
    """
    head = data.read(HEAD_BYTES)
    if data.size <= len(head) and not head.strip():
        raise DocumentEmpty(f"{name} is empty.")
    suffix = PurePath(name).suffix.lower()
    stated = (media_type or "").partition(";")[0].strip().lower()
    known = SUFFIXES.get(suffix) or _BY_TYPE.get(stated)
    content = next((what for magic, what in _FOREIGN.items() if head.startswith(magic)), "")
    if known is None:
        content = content or next((what for pattern, what in _MARKED_UP if pattern.match(head)), "")
        if content:
            raise DocumentTypeUnsupported(f"{name} is {content}, which is not ingested as such.")
        decode_file(name, data.read())
        return TEXT
    if content or known.kind in _BINARY:
        _check(known, name, head, content)
    return known


def _check(known: Format, name: str, head: bytes, foreign: str) -> None:
    """Raise an error when the content is not what the name says."""
    if known.kind == "zip" and head.startswith(_OLE):
        raise DocumentEncrypted(f"{name} is encrypted, or an old Office file.")
    match known.kind:
        case "pdf":
            fits = b"%PDF-" in head[:1024]
        case "zip":
            fits = head.startswith(b"PK\x03\x04")
        case _:
            fits = not foreign
    if not fits:
        raise DocumentTypeUnsupported(
            f"{name} is named like {known.suffixes[0]} but its content is "
            f"{foreign or 'something else'}.",
            hint="Give the file the ending that fits its content, or save it again in that format.",
        )


_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\r\f\x1b")


def refuse_binary(name: str, head: bytes, blocks: Iterable[bytes]) -> None:
    """Raise `DocumentTypeUnsupported` for a file that is not text; see `decode_file`."""
    if head.startswith(WIDE_MARKS):
        return
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls * 20 > len(head) or any(b"\0" in block for block in blocks):
        raise DocumentTypeUnsupported(f"{name} is not text: it holds binary data.")


def decode_file(name: str, data: bytes) -> str:
    """Return the text of a file, decoded by its mark, as UTF-8, or by a clear guess.

    Raises:
        DocumentTypeUnsupported: It has zero bytes or mostly control characters.
        DocumentUnreadable: Its byte-order mark is wrong, or its encoding cannot be detected.
    """
    refuse_binary(name, data[:HEAD_BYTES], (data,))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _decode_other(name, data)
    return INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _decode_other(name: str, data: bytes) -> str:
    """Return the text of a file that is not UTF-8; see `decode_file`."""
    try:
        text = decode_text(data)
    except UnicodeDecodeError as error:
        raise DocumentUnreadable(f"{name} is not valid {error.encoding.upper()}.") from error
    if text is None:
        raise DocumentUnreadable(
            f"The character encoding of {name} cannot be detected.",
            hint="Save it as UTF-8, then ingest it again.",
        )
    return text
