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
RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_FORMS = re.compile("[\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc]+")
_FIXED_PITCH = 1
_MAX_NAME = 128
_SAME_BASE = 0.01
_FIXED = re.compile(r"mono|courier|consol|typewriter|cmtt|menlo|fixed", re.IGNORECASE)
_DIVIDES = f"{HYPHEN}\x02"
_QUARTER = math.pi / 2


@dataclass(slots=True)
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
    hyphen: bool
    """Whether it continues in the next line."""

    @property
    def rtl(self) -> bool:
        """Return whether it has letters that are read from right to left."""
        return RTL.search(self.text) is not None


def read_words(page: Any) -> list[Word]:
    """Return the words of a page in the order of its content."""
    text_page = page.get_textpage()
    try:
        return _Words(text_page.raw, text_page.count_chars()).read()
    finally:
        text_page.close()


@dataclass(slots=True)
class _Run:
    """Common properties of consecutive words on one base line."""

    base: float
    size: float
    turn: int
    fixed: bool


class _Words:
    """Measures the words of one page."""

    def __init__(self, raw: Any, count: int) -> None:
        self._raw = raw
        self._count = count
        self._box = [ctypes.c_double() for _ in range(4)]
        self._pointers = [ctypes.byref(value) for value in self._box]
        self._matrix = pdfium.FS_MATRIX()
        self._last: _Run | None = None
        self._name = ctypes.create_string_buffer(_MAX_NAME)
        self._flags = ctypes.c_int()
        self._fonts: dict[tuple[bytes, int], bool] = {}

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
        hyphen = text[-1] in _DIVIDES
        if hyphen:
            text = text[:-1]
            last -= 1
        if not text:
            return None
        run = self._run(first)
        left, right = self._edges(first, run.turn)
        if last > first:
            left_of_end, right_of_end = self._edges(last, run.turn)
            if left_of_end < left:
                left = left_of_end
            elif RTL.search(text):
                text = text[::-1]  # Drawn letter by letter from the left.
            right = max(right, right_of_end)
        if not text.isascii():
            text = _FORMS.sub(lambda form: unicodedata.normalize("NFKC", form[0]), text)
        return Word(text, left, right, run.base, run.size, run.turn, run.fixed, hyphen)

    def _run(self, at: int) -> _Run:
        """Return what the word that begins there shares with the words before it on its line."""
        pdfium.FPDFText_GetCharOrigin(self._raw, at, *self._pointers[:2])
        x, y = self._box[0].value, self._box[1].value
        run = self._last
        if run is None or abs((y, x, -y, -x)[run.turn] - run.base) > _SAME_BASE:
            pdfium.FPDFText_GetMatrix(self._raw, at, ctypes.byref(self._matrix))
            turn = round(math.atan2(self._matrix.c, self._matrix.a) / _QUARTER) % 4
            scale = math.hypot(self._matrix.c, self._matrix.d) or 1.0
            size = float(pdfium.FPDFText_GetFontSize(self._raw, at)) * scale
            base = (y, x, -y, -x)[turn]
            self._last = run = _Run(base, max(size, 1.0), turn, self._is_fixed(at))
        elif run.fixed and not self._is_fixed(at):
            # A line is code only as a whole, so the fonts after another one do not matter.
            self._last = run = _Run(run.base, run.size, run.turn, fixed=False)
        return run

    def _edges(self, at: int, turn: int) -> tuple[float, float]:
        """Return left and right edge of a character, turned back."""
        pdfium.FPDFText_GetCharBox(self._raw, at, *self._pointers)
        left, right, bottom, top = self._box
        if turn == 0:
            return left.value, right.value
        if turn == 2:
            return -right.value, -left.value
        return (-top.value, -bottom.value) if turn == 1 else (bottom.value, top.value)

    def _is_fixed(self, at: int) -> bool:
        """Return whether the character's font has a fixed pitch."""
        pdfium.FPDFText_GetFontInfo(self._raw, at, self._name, _MAX_NAME, ctypes.byref(self._flags))
        key = (self._name.value, self._flags.value)
        if key not in self._fonts:
            label = key[0].decode("utf-8", "replace")
            self._fonts[key] = bool(key[1] & _FIXED_PITCH) or bool(_FIXED.search(label))
        return self._fonts[key]
