"""Reads the words of a PDF page with their places, turned so that each line is upright."""

import ctypes
import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

HYPHEN = "\ufffe"
"""PDFium's sign for a hyphen that divides a word at the end of a line."""
_WORD = re.compile("[^\\s\x02\ufffe]+[\x02\ufffe]?")
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_FORMS = re.compile("[\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc]+")
_FIXED_PITCH = 1
_FIXED = re.compile(r"mono|courier|consol|typewriter|cmtt|menlo|fixed", re.IGNORECASE)
_BOLD = re.compile(r"bold|black|heavy|demi", re.IGNORECASE)
_QUARTER = math.pi / 2


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its place; x grows to the right, y upwards, both as the reader sees the line."""

    text: str
    left: float
    right: float
    base: float
    size: float
    turn: int
    """Quarter turns of the line on the page, clockwise."""
    fixed: bool
    bold: bool
    hyphen: bool
    """Whether it continues in the next line."""

    @property
    def rtl(self) -> bool:
        """Return whether it has letters that are read from right to left."""
        return _RTL.search(self.text) is not None


def read_words(page: Any) -> list[Word]:
    """Return the words of a page in the order of its content."""
    text_page = page.get_textpage()
    try:
        return _Words(text_page.raw, text_page.count_chars()).read()
    finally:
        text_page.close()


class _Words:
    """Measures the words of one page."""

    def __init__(self, raw: Any, count: int) -> None:
        self._raw = raw
        self._count = count
        self._box = [ctypes.c_double() for _ in range(4)]
        self._pointers = [ctypes.byref(value) for value in self._box]
        self._matrix = pdfium.FS_MATRIX()
        self._fonts: dict[tuple[bytes, int], tuple[bool, bool]] = {}

    def read(self) -> list[Word]:
        words = [self._word(found) for found in _WORD.finditer(self._text())]
        return [word for word in words if word is not None]

    def _text(self) -> str:
        """Return the page's characters; one for each of PDFium's, so that indexes agree."""
        size = self._count + 1
        buffer = ctypes.create_string_buffer(size * 2)
        got = pdfium.FPDFText_GetText(
            self._raw, 0, self._count, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort))
        )
        text = buffer.raw[: max(got - 1, 0) * 2].decode("utf-16-le", "replace")
        if len(text) == self._count:
            return text
        codes = (pdfium.FPDFText_GetUnicode(self._raw, at) for at in range(self._count))
        return "".join(chr(code) if 0 < code < 0x110000 else " " for code in codes)

    def _word(self, found: re.Match[str]) -> Word | None:
        first, last, text = found.start(), found.end() - 1, found[0]
        hyphen = text[-1] in (HYPHEN, "\x02")
        text = text[:-1] if hyphen else text
        if not text:
            return None
        angle = pdfium.FPDFText_GetCharAngle(self._raw, first)
        turn = round(angle / _QUARTER) % 4 if angle > 0 else 0
        left, right, base = self._upright(first, turn)
        end = last - 1 if hyphen else last
        if end > first:
            left_of_end, right_of_end, _ = self._upright(end, turn)
            if _RTL.search(text) and left_of_end > left:
                text = text[::-1]  # Drawn letter by letter from the left.
            left, right = min(left, left_of_end), max(right, right_of_end)
        size = self._size(first)
        fixed, bold = self._font(first)
        text = _FORMS.sub(lambda form: unicodedata.normalize("NFKC", form[0]), text)
        return Word(text, left, right, base, max(size, 1.0), turn, fixed, bold, hyphen)

    def _upright(self, at: int, turn: int) -> tuple[float, float, float]:
        """Return left edge, right edge and base line of a character, turned back."""
        pdfium.FPDFText_GetCharBox(self._raw, at, *self._pointers)
        x0, x1, y0, y1 = (value.value for value in self._box)
        pdfium.FPDFText_GetCharOrigin(self._raw, at, self._pointers[0], self._pointers[1])
        x, y = self._box[0].value, self._box[1].value
        if turn == 0:
            return x0, x1, y
        if turn == 3:
            return y0, y1, -x
        return (-x1, -x0, -y) if turn == 2 else (-y1, -y0, x)

    def _size(self, at: int) -> float:
        """Return the size of the letters as the page shows them."""
        pdfium.FPDFText_GetMatrix(self._raw, at, ctypes.byref(self._matrix))
        scale = math.hypot(self._matrix.c, self._matrix.d)
        return float(pdfium.FPDFText_GetFontSize(self._raw, at) * (scale or 1.0))

    def _font(self, at: int) -> tuple[bool, bool]:
        """Return whether the font has a fixed pitch, and whether it is bold."""
        name = ctypes.create_string_buffer(128)
        flags = ctypes.c_int()
        pdfium.FPDFText_GetFontInfo(self._raw, at, name, 128, ctypes.byref(flags))
        key = (name.value, flags.value)
        if key not in self._fonts:
            label = name.value.decode("utf-8", "replace")
            fixed = bool(flags.value & _FIXED_PITCH) or bool(_FIXED.search(label))
            self._fonts[key] = fixed, bool(_BOLD.search(label))
        return self._fonts[key]
