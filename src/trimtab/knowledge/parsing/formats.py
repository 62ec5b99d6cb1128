"""Detects file formats: by name or stated type, checked against the first bytes."""

import io
import re
from dataclasses import dataclass
from pathlib import PurePath

from trimtab.extraction.characters import cleaned, without_invisible
from trimtab.extraction.encodings import WIDE_MARKS, decode_text
from trimtab.knowledge.errors import (
    DocumentEmpty,
    DocumentEncrypted,
    DocumentTooLarge,
    DocumentTypeUnsupported,
    DocumentUnreadable,
)
from trimtab.knowledge.parsing.content import HEAD_BYTES, Content

_OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that is ingested."""

    media_type: str
    suffixes: tuple[str, ...]
    kind: str
    """``text``: decoded here; ``markup``: text for the parser; ``pdf``; ``rtf``; ``zip``."""
    marked_up: bool = False
    """Whether its extracted text has Markdown headings."""


TEXT = Format("text/plain", (".txt", ".text", ".rst"), "text")
MAILBOX = Format("application/mbox", (".mbox", ".mbx"), "markup", marked_up=True)
RTF = Format("application/rtf", (".rtf",), "rtf")
FORMATS = (
    TEXT,
    Format("text/markdown", (".md", ".markdown"), "text", marked_up=True),
    Format("application/json", (".json", ".jsonl"), "text"),
    Format("text/html", (".html", ".htm", ".xhtml"), "markup", marked_up=True),
    Format("text/csv", (".csv",), "text"),
    Format("text/x-log", (".log",), "text"),
    Format("text/tab-separated-values", (".tsv", ".tab"), "text"),
    Format("message/rfc822", (".eml",), "markup"),
    MAILBOX,
    RTF,
    Format("application/pdf", (".pdf",), "pdf", marked_up=True),
    Format(f"{_OFFICE}.wordprocessingml.document", (".docx",), "zip", marked_up=True),
    Format(f"{_OFFICE}.presentationml.presentation", (".pptx",), "zip", marked_up=True),
    Format(f"{_OFFICE}.spreadsheetml.sheet", (".xlsx",), "zip", marked_up=True),
)
_BY_SUFFIX = {suffix: known for known in FORMATS for suffix in known.suffixes}
SUFFIXES = frozenset({*_BY_SUFFIX, ".gz"})
"""Endings of the files of a folder that are ingested."""
_BY_TYPE = {known.media_type: known for known in FORMATS}
_BINARY = ("pdf", "rtf", "zip")
"""Kinds whose first bytes must be theirs; text may begin with anything that no other is."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_RTF = b"{\\rtf"
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
    _RTF: "a Rich Text Format (RTF) file",
}
_XML = re.compile(rb"\s{0,100}<\?xml\b")
_ENVELOPE = re.compile(rb"From \S{1,300} +[A-Z][a-z]{2} [A-Z][a-z]{2} ")


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
    known = _BY_SUFFIX.get(suffix) or _BY_TYPE.get(stated)
    content = next((what for magic, what in _FOREIGN.items() if head.startswith(magic)), "")
    if known is None:
        if head.startswith(_RTF) or _ENVELOPE.match(head):
            return RTF if head.startswith(_RTF) else MAILBOX
        content = content or ("an XML file" if _XML.match(head) else "")
        if content:
            raise DocumentTypeUnsupported(f"{name} is {content}, which is not ingested as such.")
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
        case "rtf":
            fits = head.startswith(_RTF)
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


_BLOCK_CHARACTERS = 8192
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\r\f\x1b")


def refuse_binary(name: str, data: Content) -> None:
    """Raise `DocumentTypeUnsupported` for a file that is not text."""
    head = data.read(HEAD_BYTES)
    if head.startswith(tuple(WIDE_MARKS)):
        return
    if len(head.translate(None, _CONTROLS)) * 20 < len(head) * 19 or any(
        b"\0" in block for block in data.blocks()
    ):
        raise DocumentTypeUnsupported(f"{name} is not text: it holds binary data.")


def decode_file(name: str, data: Content, limit: int) -> str:
    """Return the text of a file, decoded by its mark, as UTF-8, or by a clear guess.

    It is read in blocks of 8,192 characters, so that a file that is refused is not read whole.

    Args:
        name: For the messages.
        data: Its bytes.
        limit: Characters.

    Raises:
        DocumentTypeUnsupported: It has zero bytes or mostly control characters.
        DocumentUnreadable: Its byte-order mark is wrong, or its encoding cannot be detected.
        DocumentTooLarge: It has more characters.
    """
    head = data.read(HEAD_BYTES)
    encoding = next(
        (name for mark, name in WIDE_MARKS.items() if head.startswith(mark)), "utf-8-sig"
    )
    wide = encoding != "utf-8-sig"
    binary = not wide and len(head.translate(None, _CONTROLS)) * 20 < len(head) * 19
    data.stream.seek(0)
    reader = io.TextIOWrapper(data.stream, encoding)
    pieces: list[str] = []
    try:
        while (piece := reader.read(_BLOCK_CHARACTERS)) and not binary:
            binary = not wide and "\0" in piece
            pieces.append(piece)
            if len(pieces) * _BLOCK_CHARACTERS > limit + _BLOCK_CHARACTERS:
                raise text_too_long(name, limit)
        text = without_invisible("".join(pieces))
    except UnicodeDecodeError as error:
        if wide:
            raise DocumentUnreadable(f"{name} is not valid {encoding.upper()}.") from error
        text = _decode_other(name, data)
    finally:
        reader.detach()
    if binary:
        raise DocumentTypeUnsupported(f"{name} is not text: it holds binary data.")
    return text


def _decode_other(name: str, data: Content) -> str:
    """Return the text of a file that is not UTF-8; see `decode_file`."""
    refuse_binary(name, data)
    text = decode_text(data.read())
    if text is None:
        raise encoding_unknown(name)
    return cleaned(text)


def encoding_unknown(name: str) -> DocumentUnreadable:
    """Return the error for a text whose encoding cannot be detected."""
    return DocumentUnreadable(
        f"The character encoding of {name} cannot be detected.",
        hint="Save it as UTF-8, then ingest it again.",
    )


def text_too_long(name: str, limit: int) -> DocumentTooLarge:
    """Return the error for a text over the limit."""
    return DocumentTooLarge(
        f"{name} has more than {limit} characters (knowledge.max_text_characters)."
    )
