"""Word documents are read without their table of contents."""

import io

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from trimtab.extraction.office import read_office

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PARTS = ("Whales", "Crabs", "Of lamps")


def _element(tag, parent, text="", **attributes):
    made = OxmlElement(tag)
    for name, value in attributes.items():
        made.set(qn(f"w:{name}"), value)
    if text:
        made.text = text
    parent.append(made)
    return made


def _mark(paragraph, kind):
    """Append the beginning, separator or end of a field."""
    _element("w:fldChar", paragraph.add_run()._r, fldCharType=kind)


def _by_styles(document, style_id=None):
    style = document.styles.add_style("toc 1", WD_STYLE_TYPE.PARAGRAPH)
    if style_id:
        style.element.set(qn("w:styleId"), style_id)
    document.add_paragraph("Contents", style="TOC Heading")
    for page, name in enumerate(PARTS, 2):
        made = document.add_paragraph(f"{name}\t{page}")
        _element("w:pStyle", made._p.get_or_add_pPr(), val=style_id or style.style_id)


def _in_german(document):
    _by_styles(document, "Verzeichnis1")


def _by_a_field(document):
    entries = [document.add_paragraph() for _ in PARTS]
    _mark(entries[0], "begin")
    _element("w:instrText", entries[0].add_run()._r, r' TOC \o "1-3" ')
    _mark(entries[0], "separate")
    for page, (name, entry) in enumerate(zip(PARTS, entries, strict=True), 2):
        entry.add_run(f"{name} ")
        _mark(entry, "begin")
        _element("w:instrText", entry.add_run()._r, " PAGEREF _Toc1 ")
        _mark(entry, "separate")
        entry.add_run(str(page))
        _mark(entry, "end")
    _mark(entries[-1], "end")


def _by_a_block(document):
    block = OxmlElement("w:sdt")
    part = _element("w:docPartObj", _element("w:sdtPr", block))
    _element("w:docPartGallery", part, val="Table of Contents")
    content = _element("w:sdtContent", block)
    for name in ("Contents", *PARTS):
        content.append(document.add_paragraph(f"{name} 7")._p)
    document.element.body.insert(0, block)


def _nothing(document):
    pass


def _read(begin, *, paragraphs=()):
    document = docx.Document()
    begin(document)
    for name in PARTS:
        document.add_heading(name, 1)
        document.add_paragraph(f"About {name}.")
    for text in paragraphs:
        document.add_paragraph(text)
    file = io.BytesIO()
    document.save(file)
    return read_office(file.getvalue(), WORD).text


@pytest.mark.parametrize("begin", [_by_styles, _in_german, _by_a_field, _by_a_block])
def test_a_table_of_contents_is_left_out(begin):
    assert _read(begin) == _read(_nothing)


def test_lines_that_name_a_part_stay_where_no_table_of_contents_is():
    assert _read(_nothing, paragraphs=["Whales 2"]).rstrip().endswith("Whales 2")


def test_a_paragraph_after_the_table_of_contents_stays_even_with_the_same_text():
    assert _read(_by_styles, paragraphs=["Whales\t2"]).rstrip().endswith("2")
