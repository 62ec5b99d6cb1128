"""Text of Word documents that is not plain runs: references, tabs, symbols, text boxes."""

import io
import zipfile

import docx
import pptx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from trimtab.extraction.docx_runs import with_plain_runs
from trimtab.extraction.office import read_office

_OFFICE = "application/vnd.openxmlformats-officedocument."
WORD, SLIDES = (
    f"{_OFFICE}wordprocessingml.document",
    f"{_OFFICE}presentationml.presentation",
)
_SPACES = (
    f'{nsdecls("w")} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:v="urn:schemas-microsoft-com:vml"'
)
_BOX = "<w:txbxContent><w:p><w:r><w:t>In the box.</w:t></w:r></w:p></w:txbxContent>"
_COPIES = (
    f'<mc:AlternateContent><mc:Choice Requires="wps"><w:drawing>{_BOX}</w:drawing></mc:Choice>'
    f"<mc:Fallback><w:pict><v:textbox>{_BOX}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent>"
)
_EMOJI = (
    '<mc:AlternateContent><mc:Choice Requires="w16se"><w:drawing/></mc:Choice>'
    "<mc:Fallback><w:t>☺</w:t></mc:Fallback></mc:AlternateContent>"
)


def document(content):
    """Return a document whose only paragraph has this content."""
    made = docx.Document()
    made.element.body.insert(0, parse_xml(f"<w:p {_SPACES}>{content}</w:p>"))
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def run(*children):
    made = [c if c.startswith("<") else f'<w:t xml:space="preserve">{c}</w:t>' for c in children]
    return f"<w:r>{''.join(made)}</w:r>"


def symbol(font, code):
    return f'<w:sym w:font="{font}" w:char="{code}"/>'


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (run("Smith &amp; Sons, a &lt; b &gt; c"), "Smith & Sons, a < b > c"),
        (run("it&apos;s &quot;5 &#8364;&quot;, &#xb0;"), 'it\'s "5 €", °'),
        (run("Keep &amp;lt; as it is"), "Keep &lt; as it is"),
        (run("<w:t><![CDATA[R&D <new>]]></w:t>"), "R&D <new>"),
        (run("Port:", "<w:tab/>", "8000"), "Port:\t8000"),
        (run("<w:tab/>", "The first line"), "The first line"),
        (run("left", '<w:ptab w:alignment="right"/>', "right"), "left\tright"),
        (run("pump X", "<w:noBreakHyphen/>", "9"), "pump X-9"),
        (run("main", "<w:softHyphen/>", "tenance"), "maintenance"),
        (run("one", "<w:br/>", "two", "<w:cr/>", "three"), "one two three"),
        (run("one", '<w:br w:type="page"/>', "two"), "one two"),
        (run('<w:br w:type="page"/>', "two"), "two"),
        (run("5 ", symbol("Symbol", "F06D"), "m"), "5 μm"),
        (run(symbol("Wingdings", "F0FC"), " tested"), "✓ tested"),
        (run("a ", symbol("Arial", "2265"), " b"), "a ≥ b"),
        (run("a", symbol("Unknown", "F0A1"), "b"), "ab"),
        (run("Before", _COPIES, " and after."), "Before and after.\n\nIn the box."),
        (run("Before", _COPIES.replace("<w:t>In", _COPIES + "<w:t>In")), "Before\n\nIn the box.\n\nIn the box."),
        (run("Well done ", _EMOJI), "Well done ☺"),
        (f'{run("Kept.")}<w:moveFrom w:id="1">{run("Gone.")}</w:moveFrom>', "Kept."),
    ],
)  # fmt: skip
def test_text_is_read_as_people_see_it(content, text):
    assert read_office(document(content), WORD).text.strip() == text


def test_cells_of_tables_keep_marks_and_tabs():
    made = docx.Document()
    table = made.add_table(2, 2)
    for cell, text in zip(table._cells, ("Unit", "R&D", "North", "5\t<6"), strict=True):
        cell.text = text
    file = io.BytesIO()
    made.save(file)
    assert read_office(file.getvalue(), WORD).text.strip() == "Unit: North; R&D: 5 <6"


def test_a_stop_of_the_ruler_is_no_tab():
    stops = '<w:pPr><w:tabs><w:tab w:val="left" w:pos="720"/></w:tabs></w:pPr>'
    assert read_office(document(stops + run("Text.")), WORD).text.strip() == "Text."


def test_slides_keep_tabs():
    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.placeholders[1].text = "Port:\t8000 & more"
    file = io.BytesIO()
    made.save(file)
    assert read_office(file.getvalue(), SLIDES).text.strip() == "## Port:\t8000 & more"


def test_pictures_are_not_copied_and_a_damaged_file_stays_as_it_is():
    file = io.BytesIO(document(run("Text.")))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("word/media/a.png", b"0" * 100)
    with zipfile.ZipFile(io.BytesIO(with_plain_runs(file.getvalue()))) as archive:
        assert "word/media/a.png" not in archive.namelist()
    assert with_plain_runs(file.getvalue()[:-200]) == file.getvalue()[:-200]


@pytest.mark.parametrize(
    "damage",
    [
        "<w:txbxContent><w:p></w:p>",
        "</mc:Fallback>",
        "<w:moveFrom><mc:Fallback></w:moveFrom></mc:Fallback>",
        "&#0; &#xD800; &unknown;",
    ],
)
def test_damaged_xml_stays_as_it_is(damage):
    part = f"<w:document><w:p>{damage}</w:p></w:document>"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", part)
    with zipfile.ZipFile(io.BytesIO(with_plain_runs(file.getvalue()))) as archive:
        assert archive.read("word/document.xml").decode() == part
