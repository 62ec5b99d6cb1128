"""Real files of the kinds that offices make, written by the libraries that write them."""

import io
from email.message import EmailMessage

import docx
import openpyxl
import pptx


def _saved(document) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def slides(*pages: tuple[str, str], notes: str = "") -> bytes:
    """Return a presentation with a title and a body on each slide, and notes of its last one."""
    made = pptx.Presentation()
    for title, body in pages:
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    if notes:
        made.slides[len(pages) - 1].notes_slide.notes_text_frame.text = notes
    return _saved(made)


def workbook(**sheets: list[list[object]]) -> bytes:
    """Return a workbook with the rows of each sheet."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return _saved(made)


def paper(title: str, *parts: tuple[str, str]) -> bytes:
    """Return a Word document with a heading and a paragraph for each part."""
    made = docx.Document()
    made.core_properties.title = title
    for heading, text in parts:
        made.add_heading(heading, 1)
        made.add_paragraph(text)
    return _saved(made)


def mail(subject: str, text: str) -> bytes:
    """Return an e-mail with a plain and an HTML part."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "ann@example.org", "bob@example.org", subject
    made.set_content(text)
    made.add_alternative(f"<p>{text}</p>", subtype="html")
    return made.as_bytes()


def one_of_each() -> dict[str, bytes]:
    """Return a small file of every format that goes to the parser's process, by its name."""
    from tests.knowledge.documents import pdf

    return {
        "a.pptx": slides(("Whales", "They sing."), ("Crabs", "They walk sideways.")),
        "a.xlsx": workbook(Tides=[["hour", "height"], [6, 1.5]], Crabs=[["name"], ["bob"]]),
        "a.docx": paper("Of the sea", ("Whales", "They sing."), ("Crabs", "They walk.")),
        "a.eml": mail("Whales at noon", "They sing at noon."),
        "a.pdf": pdf("Whales sing.", "Crabs walk."),
        "a.rtf": rb"{\rtf1\ansi They sing.\par}",
        "a.mbox": b"From ann@example.org Mon Jan  5 10:00:00 2026\n" + mail("Whales", "They sing."),
        "a.html": b"<html><body><h1>Whales</h1><p>They sing.</p></body></html>",
    }
