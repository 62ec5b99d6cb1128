"""Leaves the table of contents of a Word document out of its text."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

_ENTRY_STYLE = re.compile(r"(?:toc|contents) \d|table of (?:figures|authorities|contents)")
_TITLE_STYLE = re.compile(r"(?:toc|contents) heading")
_GALLERY = "Table of Contents"
_FIELD = re.compile(r"\s*TOC\b")
_LINK = re.compile(r"\[([^\[\]\n]{0,500})\]\([^()\s]{0,500}\)")
_FOUND = 0.6
"""Share of the entries that must be in the text: else it names them in another way, and stays."""


@dataclass(frozen=True, slots=True)
class _Paragraph:
    text: str
    """Its letters and digits."""
    is_title: bool


def without_contents(content: str, data: bytes) -> str:
    """Return the Markdown text without the lines that the file marks as a table of contents.

    Args:
        content: The text of the document.
        data: Its file, a ``.docx``; nothing is taken out where it is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            listed = [entry for entry in _listed(archive) if entry.text]
    except (KeyError, ET.ParseError, zipfile.BadZipFile):
        return content
    entries = Counter(entry.text for entry in listed)
    titles = {entry.text for entry in listed if entry.is_title}
    kept: list[str] = []
    dropped = 0
    for line in content.split("\n"):
        text = _key(_LINK.sub(r"\1", line))
        if entries[text] and (not line.startswith("#") or text in titles):
            entries[text] -= 1
            dropped += 1
        else:
            kept.append(line)
    if not dropped or dropped < _FOUND * len(listed):
        return content
    return "\n".join(kept).lstrip("\n")


def _listed(archive: zipfile.ZipFile) -> Iterator[_Paragraph]:
    """Yield the paragraphs of tables of contents, in order."""
    # This process may be killed by any file; expat itself refuses entities that grow.
    document = ET.fromstring(archive.read("word/document.xml"))  # noqa: S314
    styles = _style_names(archive)
    blocks = {id(part) for block in _blocks(document) for part in block.iter()}
    fields: list[bool] = []
    for element in document.iter():
        if _tag(element) != "p":
            continue
        name = styles.get(_style(element), _style(element)).casefold()
        inside = _passes_field(element, fields)
        is_title = _TITLE_STYLE.fullmatch(name) is not None
        if inside or is_title or id(element) in blocks or _ENTRY_STYLE.fullmatch(name):
            text = "".join(part.text or "" for part in element.iter() if _tag(part) == "t")
            yield _Paragraph(_key(text), is_title)


def _passes_field(paragraph: ET.Element, fields: list[bool]) -> bool:
    """Return whether the field of a table of contents goes through the paragraph.

    Args:
        paragraph: The paragraph.
        fields: The fields that are open, whether each is a table of contents; changed.
    """
    inside = any(fields)
    for element in paragraph.iter():
        if _tag(element) == "fldChar":
            kind = _value(element, "fldCharType")
            if kind == "begin":
                fields.append(False)
            elif kind == "end" and fields:
                fields.pop()
        elif _tag(element) == "instrText" and fields and _FIELD.match(element.text or ""):
            fields[-1] = inside = True
    return inside


def _blocks(document: ET.Element) -> Iterator[ET.Element]:
    for block in document.iter():
        if _tag(block) == "sdt" and any(
            _tag(part) == "docPartGallery" and _value(part, "val") == _GALLERY
            for part in block.iter()
        ):
            yield block


def _style_names(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the names of the styles by their id, which differs between languages."""
    if "word/styles.xml" not in archive.namelist():
        return {}
    styles = ET.fromstring(archive.read("word/styles.xml"))  # noqa: S314
    return {
        _value(style, "styleId"): next(
            (_value(part, "val") for part in style if _tag(part) == "name"), ""
        )
        for style in styles
        if _tag(style) == "style"
    }


def _style(paragraph: ET.Element) -> str:
    return next((_value(part, "val") for part in paragraph.iter() if _tag(part) == "pStyle"), "")


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(element: ET.Element, name: str) -> str:
    return next(
        (value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), ""
    )


def _key(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
