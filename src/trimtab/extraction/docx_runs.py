"""Rewrites what kreuzberg does not read in the XML of a Word document as plain runs of text.

It drops references such as ``&amp;``, tabs, hyphens and symbols, the text around a text box, and
shows moved text twice.
"""

import io
import re
import zipfile
import zlib
from dataclasses import dataclass, field

_PARTS = re.compile(r"word/(?:document|footnotes|endnotes|comments)\.xml|docProps/core\.xml")
_UNUSED = ("word/media/", "word/embeddings/", "word/fonts/")
_OTHER_ENCODING = re.compile(rb"\s*<\?xml[^>]*encoding=[\"'](?!utf-8[\"'])", re.IGNORECASE)
# XML needs references for these, so private characters stand for them while kreuzberg reads.
_PRIVATE = {mark: chr(0x10FF00 + ord(mark)) for mark in "&<>\"'"}
_TO_PRIVATE, _TO_PUBLIC = (
    str.maketrans(_PRIVATE),
    str.maketrans({private: mark for mark, private in _PRIVATE.items()}),
)
_CDATA, _CDATA_END = "<![CDATA[", "]]>"
_TEXT = re.compile(r">([^<>]+)")
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));", re.IGNORECASE)
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_STRUCTURE = re.compile(
    r"<(?P<closes>/?)(?P<name>w:p|w:txbxContent|w:moveFrom|mc:Fallback)(?=[\s/>])[^<>]*?(?P<empty>/?)>"
)
# A tab with attributes is a stop of the ruler, not text.
_CHILD = re.compile(
    r"<w:(?:(?P<tab>tab ?|ptab [^<>]*)|(?P<hyphen>noBreakHyphen ?)"
    r"|(?P<line>(?:br|cr)(?: [^<>]*)?)|(?P<symbol>sym [^<>]*))/>"
)
_ATTRIBUTE = re.compile(r"w:(font|char)=[\"']([^\"']*)")
_PRIVATE_USE = range(0xE000, 0xF900)
# The encoding of Adobe's Symbol font (unicode.org/Public/MAPPINGS/VENDORS/ADOBE/symbol.txt).
_SYMBOL = {
    code: letter
    for first, letters in (
        (0x20, " !∀#∃%&∋()∗+,−./0123456789:;<=>?"),  # noqa: RUF001
        (0x40, "≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_"),
        (0x60, "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"),  # noqa: RUF001
        (0xA0, "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵"),  # noqa: RUF001
        (0xC0, "ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓"),  # noqa: RUF001
        (0xE0, "◊⟨®©™∑"),
    )
    for code, letter in enumerate(letters, first)
}
_WINGDINGS = {
    0x28: "☎", 0x2A: "✉", 0x6C: "●", 0x6E: "■", 0x9F: "•", 0xA7: "▪", 0xA8: "☐", 0xD8: "➢",
    0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE8: "→", 0xF0: "⇨", 0xFB: "✗", 0xFC: "✓",
    0xFD: "☒", 0xFE: "☑",
}  # fmt: skip
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS}


def with_plain_runs(data: bytes) -> bytes:
    """Return the document with all its text in runs; a damaged one as it is.

    What is read of it has private characters for ``&`` and others; `restore` returns them.
    """
    written = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(written, "w") as made:
            for name in given.namelist():
                if not name.startswith(_UNUSED):
                    part = given.read(name)
                    made.writestr(name, _rewritten(part) if _PARTS.fullmatch(name) else part)
    # RuntimeError: a part is encrypted. NotImplementedError: it is compressed in a rare way.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError):
        return data
    return written.getvalue()


def restore(text: str) -> str:
    """Return the text with the characters for which private ones stand."""
    return text.translate(_TO_PUBLIC)


def _rewritten(part: bytes) -> bytes:
    if _OTHER_ENCODING.match(part):
        return part
    try:
        text = part.decode()
    except UnicodeDecodeError:
        return part
    text = _CHILD.sub(_run_text, _TEXT.sub(_referred, _without_cdata(text)))
    return _rearranged(text).encode()


def _without_cdata(text: str) -> str:
    """Return the XML with the content of CDATA sections as text."""
    pieces, at = [], 0
    while (start := text.find(_CDATA, at)) >= 0:
        end = text.find(_CDATA_END, start)
        if end < 0:
            break
        pieces += [text[at:start], text[start + len(_CDATA) : end].translate(_TO_PRIVATE)]
        at = end + len(_CDATA_END)
    return "".join([*pieces, text[at:]])


def _referred(found: re.Match[str]) -> str:
    return f">{_REFERENCE.sub(_character, found[1])}" if "&" in found[1] else found[0]


def _character(reference: re.Match[str]) -> str:
    decimal, hexadecimal, name = reference.groups()
    code = int(decimal) if decimal else int(hexadecimal or "0", 16)
    # XML has no other control characters, and no halves of pairs.
    if not name and (code < 9 or 0xD800 <= code < 0xE000 or code > 0x10FFFF):
        return reference[0]
    return (_NAMED[name.lower()] if name else chr(code)).translate(_TO_PRIVATE)


def _run_text(child: re.Match[str]) -> str:
    if child["line"]:
        return "<w:br/>"
    text = "\t" if child["tab"] else "-" if child["hyphen"] else _symbol(child["symbol"])
    return f'<w:t xml:space="preserve">{text}</w:t>'


def _symbol(attributes: str) -> str:
    """Return the character of a symbol; none where only its font knows what it is."""
    given = dict(_ATTRIBUTE.findall(attributes))
    try:
        code = int(given.get("char", ""), 16)
    except ValueError:
        return ""
    font = _FONTS.get(given.get("font", "").casefold())
    if font is not None:
        return font.get(code & 0xFF, "").translate(_TO_PRIVATE)
    is_known = 0x20 <= code < 0xD800 or 0xF900 <= code < 0x110000
    return chr(code).translate(_TO_PRIVATE) if is_known else ""


@dataclass(slots=True)
class _Element:
    """An element that is open, with what was read of it."""

    name: str
    pieces: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    """Contents of text boxes that the paragraph under way anchors."""

    def end_paragraph(self) -> None:
        """Put the text boxes below the paragraph that anchors them."""
        self.pieces += self.boxes
        self.boxes.clear()

    def take_in(self, ended: "_Element") -> None:
        """Keep what an element inside this one had; nothing of moved text and of copies."""
        if ended.name == "w:txbxContent":
            self.boxes.append("".join(ended.pieces))
        elif ended.name == "mc:Fallback" and not ended.boxes:
            self.pieces += ended.pieces


def _rearranged(text: str) -> str:
    """Return the XML with text boxes below their paragraphs, without their copies and moved text.

    A text box has its paragraphs inside a paragraph, and a copy of them for old programs.
    """
    stack = [_Element("")]
    last = 0
    for tag in _STRUCTURE.finditer(text):
        top, name = stack[-1], tag["name"]
        top.pieces.append(text[last : tag.start()])
        last = tag.end()
        if tag["empty"] or name == "w:p":
            top.pieces.append(tag[0])
            if tag["closes"]:
                top.end_paragraph()
        elif not tag["closes"]:
            stack.append(_Element(name))
        elif top.name != name:
            return text
        else:
            stack.pop()
            stack[-1].take_in(top)
    if len(stack) > 1 or stack[0].boxes:
        return text
    return "".join([*stack[0].pieces, text[last:]])
