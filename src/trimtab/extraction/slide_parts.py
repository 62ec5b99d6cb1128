"""Reads the parts of a presentation's archive: its slides and what they link to."""

import posixpath
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree as ET

DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
SLIDES = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_LINKS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


def slide_names(archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield the names of the slides' parts in the order in which they are shown."""
    links = links_of(archive, "ppt/presentation.xml")
    shown = parsed_part(archive, "ppt/presentation.xml")
    for entry in shown.iter(f"{SLIDES}sldId"):
        target = links.get(entry.get(f"{_LINKS}id", ""), ("", ""))[1]
        if target in archive.namelist():
            yield target


def parsed_part(archive: zipfile.ZipFile, part: str) -> ET.Element:
    """Return the root element of a part."""
    # This process may be killed by any file; expat itself refuses entities that grow.
    return ET.fromstring(archive.read(part))  # noqa: S314


def links_of(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Return kind and target of each relationship of a part, by its id."""
    folder, name = posixpath.split(part)
    file = f"{folder}/_rels/{name}.rels"
    if file not in archive.namelist():
        return {}
    return {
        link.get("Id", ""): (
            link.get("Type", "").rpartition("/")[2],
            # Names in the archive have no slash in front; an absolute target has.
            posixpath.normpath(posixpath.join(folder, link.get("Target", ""))).lstrip("/"),
        )
        for link in parsed_part(archive, file)
    }


def paragraphs(shape: ET.Element) -> Iterator[str]:
    """Yield the paragraphs of a shape that are not empty."""
    for paragraph in shape.iter(f"{DRAWING}p"):
        text = "".join(part.text or "" for part in paragraph.iter(f"{DRAWING}t")).strip()
        if text:
            yield text
