"""Finds captions on slides: short texts side by side, each with a line right below it.

"Ann Smith" above "President", "Bob Young" above "Treasurer": kreuzberg reads a slide from top to
bottom, all names first and then all offices, so that no one can tell who is what.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from trimtab.extraction.slide_parts import DRAWING, SLIDES, paragraphs, parsed_part, slide_names

# English Metric Units: 914,400 an inch. A column's boxes are drawn at one left edge by hand, and
# the next line stands at most two thirds of an inch below.
_SAME_EDGE = 100_000
_NEXT_LINE = 600_000
_MAX_CHARACTERS = 60
"""A longer text is a paragraph, not a caption."""

Caption = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Box:
    x: int
    y: int
    text: str


def slide_captions(data: bytes) -> tuple[Caption, ...]:
    """Return the captions of all slides, each once; none where slides are damaged.

    Not by slide: kreuzberg may number them in another order.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            slides = [parsed_part(archive, name) for name in slide_names(archive)]
            found = [caption for slide in slides for caption in _captions(slide)]
    except (KeyError, ValueError, ET.ParseError, zipfile.BadZipFile):
        return ()
    return tuple(dict.fromkeys(found))


def join_captions(slide: str, captions: Sequence[Caption]) -> str:
    """Return the slide's text with the lines of each caption in one paragraph, in its order.

    A caption stays as it is when one of its lines is not a paragraph of the slide.
    """
    pieces = slide.split("\n\n")
    for caption in captions:
        plain = [piece.strip() for piece in pieces]
        if all(line in plain for line in caption):
            first = plain.index(caption[0])
            for line in caption[1:]:
                pieces[plain.index(line)] = ""
            pieces[first] = ", ".join(caption)
    return "\n\n".join(piece for piece in pieces if piece)


def _captions(slide: ET.Element) -> tuple[Caption, ...]:
    """Return the columns of at least two lines, when two or more of them stand side by side."""
    columns = list(_columns(sorted(_boxes(slide), key=lambda box: (box.y, box.x))))
    captions = [column for column in columns if len(column) > 1]
    return tuple(
        tuple(box.text for box in column)
        for column in captions
        if any(
            other is not column
            and len(other) == len(column)
            and abs(other[0].y - column[0].y) <= _SAME_EDGE
            for other in captions
        )
    )


def _columns(boxes: Sequence[_Box]) -> Iterator[list[_Box]]:
    """Yield the boxes in columns: each right below the one before it, at the same left edge."""
    left = list(boxes)
    while left:
        column = [left.pop(0)]
        for box in list(left):
            last = column[-1]
            if abs(box.x - last.x) <= _SAME_EDGE and 0 < box.y - last.y <= _NEXT_LINE:
                column.append(box)
                left.remove(box)
        yield column


def _boxes(slide: ET.Element) -> Iterator[_Box]:
    """Yield the boxes with one short paragraph whose place the slide itself names."""
    for shape in slide.iter(f"{SLIDES}sp"):
        place = shape.find(f"./{SLIDES}spPr/{DRAWING}xfrm/{DRAWING}off")
        found = list(paragraphs(shape))
        if place is not None and len(found) == 1 and len(found[0]) <= _MAX_CHARACTERS:
            yield _Box(int(place.get("x", "")), int(place.get("y", "")), found[0])
