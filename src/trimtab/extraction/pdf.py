"""Reads PDF files through PDFium, in reading order."""

from collections.abc import Sequence
from typing import Any

import pypdfium2

from trimtab.extraction.pdf_furniture import PdfPage
from trimtab.extraction.pdf_layout import page_rows
from trimtab.extraction.pdf_text import render_pages
from trimtab.extraction.pdf_words import read_words
from trimtab.extraction.records import Extracted, Refusal

_EMPTY_TITLES = frozenset({"", "untitled", "anonymous", "(anonymous)"})


def read_pdf(data: bytes) -> Extracted:
    """Return the text of the pages, and which of them hold none.

    Raises:
        Refusal: It is damaged or encrypted, or the library does not work.
    """
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        protected = "password" in str(error).lower() or "security" in str(error).lower()
        raise Refusal("encrypted" if protected else "unreadable", str(error)) from error
    try:
        return _read(document)
    finally:
        document.close()


def _read(document: Any) -> Extracted:
    pages: list[PdfPage] = []
    empty: list[int] = []
    failed: list[int] = []
    for number in range(len(document)):
        page = _load(document, number)
        if page is None:
            failed.append(number + 1)
            pages.append(PdfPage([], 0.0))
            continue
        try:
            words = read_words(page)
            if not words and next(iter(page.get_objects(max_depth=1)), None) is not None:
                empty.append(number + 1)
            pages.append(PdfPage(page_rows(words), max(page.get_size())))
        finally:
            page.close()
    text, starts = render_pages(pages)
    title = " ".join((document.get_metadata_value("Title") or "").split())
    return Extracted(
        text, "" if title.lower() in _EMPTY_TITLES else title, starts, _warnings(empty, failed)
    )


def _load(document: Any, number: int) -> Any:
    try:
        return document[number]
    except pypdfium2.PdfiumError:
        return None


def _warnings(empty: list[int], failed: list[int]) -> tuple[str, ...]:
    warnings = []
    if empty:
        verb, owner = ("holds", "its") if len(empty) == 1 else ("hold", "their")
        warnings.append(
            f"{_pages(empty)} {verb} no text: probably scanned; {owner} pictures are not read."
        )
    if failed:
        verb = "is" if len(failed) == 1 else "are"
        warnings.append(f"{_pages(failed)} {verb} damaged and left out.")
    return tuple(warnings)


def _pages(numbers: Sequence[int]) -> str:
    """Return page numbers as ``Page 3`` or ``Pages 2, 5-9``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"{'Page' if len(numbers) == 1 else 'Pages'} {shown}"
