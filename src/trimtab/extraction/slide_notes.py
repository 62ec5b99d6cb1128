"""Reads the speaker notes of a presentation, which kreuzberg leaves out."""

import io
import posixpath
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree as ET

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_SLIDES = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_LINKS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_FURNITURE = frozenset({"sldImg", "sldNum", "hdr", "ftr", "dt"})
"""Kinds of placeholders on a page of notes that are not the speaker's words."""


def slide_notes(data: bytes) -> dict[int, str]:
    """Return the notes by the number of their slide; none where they are damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            slides = enumerate(_slides(archive), 1)
            notes = {number: _notes(archive, slide) for number, slide in slides}
    except (KeyError, ET.ParseError, zipfile.BadZipFile):
        return {}
    return {number: text for number, text in notes.items() if text}


def _slides(archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield the names of the slides' parts in the order in which they are shown."""
    links = _links(archive, "ppt/presentation.xml")
    shown = _parsed(archive, "ppt/presentation.xml")
    for entry in shown.iter(f"{_SLIDES}sldId"):
        target = links.get(entry.get(f"{_LINKS}id", ""), ("", ""))[1]
        if target in archive.namelist():
            yield target


def _parsed(archive: zipfile.ZipFile, part: str) -> ET.Element:
    # This process may be killed by any file; expat itself refuses entities that grow.
    return ET.fromstring(archive.read(part))  # noqa: S314


def _links(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Return kind and target of each relationship of a part, by its id."""
    folder, name = posixpath.split(part)
    file = f"{folder}/_rels/{name}.rels"
    if file not in archive.namelist():
        return {}
    return {
        link.get("Id", ""): (
            link.get("Type", "").rpartition("/")[2],
            posixpath.normpath(posixpath.join(folder, link.get("Target", ""))),
        )
        for link in _parsed(archive, file)
    }


def _notes(archive: zipfile.ZipFile, slide: str) -> str:
    for kind, target in _links(archive, slide).values():
        if kind == "notesSlide" and target in archive.namelist():
            return "\n\n".join(_paragraphs(_parsed(archive, target)))
    return ""


def _paragraphs(page: ET.Element) -> Iterator[str]:
    for shape in page.iter(f"{_SLIDES}sp"):
        place = shape.find(f".//{_SLIDES}ph")
        if place is not None and place.get("type") in _FURNITURE:
            continue
        for paragraph in shape.iter(f"{_DRAWING}p"):
            text = "".join(part.text or "" for part in paragraph.iter(f"{_DRAWING}t")).strip()
            if text:
                yield text
