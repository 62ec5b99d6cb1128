"""PDF files drawn word by word, as programs draw them."""

from dataclasses import dataclass

HEBREW = {chr(ord("A") + number): chr(0x05D0 + number) for number in range(26)}
"""Letters of the font `hebrew` by the code that draws them."""
_FONTS = {"text": "Helvetica", "bold": "Helvetica-Bold", "code": "Courier", "hebrew": "Helvetica"}


@dataclass(frozen=True)
class Drawn:
    """A text at a place of the page, in points from its lower left corner."""

    x: float
    y: float
    text: str
    size: float = 10
    font: str = "text"
    matrix: str = "1 0 0 1"


def drawn_pdf(*pages: list[Drawn], rotate: int = 0) -> bytes:
    """Return a PDF file of A4 pages; an empty list is a page with a picture and no text."""
    fonts = " ".join(f"/{name} {number} 0 R" for number, name in enumerate(_FONTS, 4))
    first_page = 4 + len(_FONTS)
    kids = " ".join(f"{first_page + 2 * at} 0 R" for at in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        _stream(_to_unicode()),
        *(
            f"<< /Type /Font /Subtype /Type1 /BaseFont /{base}"
            + (" /ToUnicode 3 0 R >>" if name == "hebrew" else " >>")
            for name, base in _FONTS.items()
        ),
    ]
    for at, page in enumerate(pages):
        content = "\n".join(map(_drawing, page)) or "0 0 300 300 re f"
        objects += [
            (
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Rotate {rotate}"
                f" /Resources << /Font << {fonts} >> >> /Contents {first_page + 2 * at + 1} 0 R >>"
            ),
            _stream(content),
        ]
    body, offsets = b"%PDF-1.4\n", []
    for number, entry in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{entry}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer << /Size {size} /Root 1 0 R >>\n"
    return body + f"{end}startxref\n{len(body)}\n%%EOF\n".encode()


def lines(x: float, y: float, *texts: str, size: float = 10, pitch: float = 12, font: str = "text"):
    """Return texts one below the other."""
    return [Drawn(x, y - pitch * at, text, size, font) for at, text in enumerate(texts)]


def _drawing(drawn: Drawn) -> str:
    text = drawn.text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    place = f"{drawn.matrix} {drawn.x} {drawn.y} Tm"
    return f"BT /{drawn.font} {drawn.size} Tf {place} ({text}) Tj ET"


def _stream(content: str) -> str:
    return f"<< /Length {len(content.encode('latin-1'))} >>\nstream\n{content}\nendstream"


def _to_unicode() -> str:
    pairs = "\n".join(f"<{ord(code):02X}> <{ord(letter):04X}>" for code, letter in HEBREW.items())
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def\n"
        "1 begincodespacerange <00> <FF> endcodespacerange\n"
        f"{len(HEBREW)} beginbfchar\n{pairs}\nendbfchar\nendcmap end end"
    )
