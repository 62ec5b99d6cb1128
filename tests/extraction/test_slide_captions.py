"""Names on a slide stay with the office that stands below each."""

import io

import pptx
import pytest
from pptx.util import Emu

from trimtab.extraction.office import read_office
from trimtab.extraction.slide_captions import join_captions, slide_captions

SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
ANN, BOB, HEAD, CLERK = "Ann Smith", "Bob Young", "President", "Treasurer"
INCH = 914_400


def deck(*boxes):
    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[5])
    slide.shapes.title.text = "The team"
    for x, y, text in boxes:
        box = slide.shapes.add_textbox(Emu(x), Emu(y), Emu(INCH), Emu(INCH // 4))
        box.text_frame.text = text
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


SIDE_BY_SIDE = (
    (INCH, 3 * INCH, ANN),
    (4 * INCH, 3 * INCH + 9_000, BOB),
    (INCH + 4_000, 3 * INCH + 290_000, HEAD),
    (4 * INCH, 3 * INCH + 300_000, CLERK),
)


def test_a_name_and_the_office_below_it_are_one_line():
    text = read_office(deck(*SIDE_BY_SIDE), SLIDES).text
    assert f"{ANN}, {HEAD}\n\n{BOB}, {CLERK}" in text


@pytest.mark.parametrize(
    "boxes",
    [
        [(INCH, 3 * INCH, ANN), (INCH, 3 * INCH + 290_000, HEAD)],
        [(INCH, INCH, ANN), (4 * INCH, INCH, BOB), (INCH, 3 * INCH, HEAD), (4 * INCH, 3 * INCH, CLERK)],
        [(INCH, INCH, ANN * 9), (4 * INCH, INCH, BOB * 9), (INCH, INCH + 9, HEAD * 9), (4 * INCH, INCH + 9, CLERK * 9)],
    ],
    ids=["one column", "far apart", "paragraphs"],
)  # fmt: skip
def test_other_boxes_are_no_captions(boxes):
    assert slide_captions(deck(*boxes)) == ()


def test_a_caption_whose_line_the_slide_does_not_have_changes_nothing():
    slide = f"## The team\n\n{ANN}\n\n{HEAD}"
    assert join_captions(slide, [(ANN, CLERK)]) == slide


def test_a_damaged_file_has_no_captions():
    assert slide_captions(b"PK no archive") == ()
