"""Reads the speaker notes of a presentation, which kreuzberg leaves out."""

import io
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from trimtab.extraction.slide_parts import SLIDES, links_of, paragraphs, parsed_part, slide_names

_FURNITURE = frozenset({"sldImg", "sldNum", "hdr", "ftr", "dt"})
"""Kinds of placeholders on a page of notes that are not the speaker's words."""


def slide_notes(data: bytes) -> dict[int, str]:
    """Return the notes by the number of their slide; none where they are damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            slides = enumerate(slide_names(archive), 1)
            notes = {number: _notes(archive, slide) for number, slide in slides}
    except (KeyError, ET.ParseError, zipfile.BadZipFile):
        return {}
    return {number: text for number, text in notes.items() if text}


def _notes(archive: zipfile.ZipFile, slide: str) -> str:
    for kind, target in links_of(archive, slide).values():
        if kind == "notesSlide" and target in archive.namelist():
            return "\n\n".join(_spoken(parsed_part(archive, target)))
    return ""


def _spoken(page: ET.Element) -> Iterator[str]:
    for shape in page.iter(f"{SLIDES}sp"):
        place = shape.find(f".//{SLIDES}ph")
        if place is None or place.get("type") not in _FURNITURE:
            yield from paragraphs(shape)
