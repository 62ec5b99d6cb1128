"""Reads Word documents and slides through kreuzberg."""

import re
from typing import Any

from trimtab.extraction.markdown_tables import render_markdown_tables
from trimtab.extraction.records import Extracted, Refusal
from trimtab.extraction.slide_notes import slide_notes

PAGE_MARK = "\u241ePAGE{page_num}\u241e"
_PAGE = re.compile(r"(?:(?<!\s)\s++)?\u241ePAGE(\d+)\u241e\s*+")


def read_office(data: bytes, media_type: str) -> Extracted:
    """Return the document's text, its tables row by row.

    Raises:
        Refusal: It is damaged or encrypted, or the library does not work.
    """
    try:
        import kreuzberg
    except (ImportError, OSError) as error:
        raise Refusal("installation", str(error)) from error
    config = kreuzberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        disable_ocr=True,  # type: ignore[call-arg] # Missing in the library's stubs.
        output_format="markdown",
        pages=kreuzberg.PageConfig(insert_page_markers=True, marker_format=f"\n\n{PAGE_MARK}\n\n"),
    )
    try:
        result: Any = kreuzberg.extract_bytes_sync(data, media_type, config=config)
    except (kreuzberg.KreuzbergError, ValueError, RuntimeError) as error:
        detail = str(error)
        if isinstance(error, kreuzberg.MissingDependencyError):
            raise Refusal("installation", detail) from error
        protected = re.search(r"password|encrypt", detail, re.IGNORECASE)
        raise Refusal("encrypted" if protected else "unreadable", detail) from error
    content = result.content.replace("\r\n", "\n")
    if media_type.endswith("presentation"):
        content = _with_notes(content, slide_notes(data))
    text, pages = _paged(render_markdown_tables(content))
    title = result.metadata.get("title") or result.metadata.get("subject")
    return Extracted(text, str(title or ""), pages)


def _with_notes(content: str, notes: dict[int, str]) -> str:
    """Return the slides, each followed by what its speaker notes say."""
    marks = list(_PAGE.finditer(content))
    pieces = [content[: marks[0].start()] if marks else content]
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        slide = content[mark.start() : after.start() if after is not None else len(content)]
        spoken = notes.get(int(mark[1]), "")
        pieces.append(f"{slide.rstrip()}\n\n### Notes\n\n{spoken}\n" if spoken else slide)
    return "".join(pieces)


def _paged(content: str) -> tuple[str, tuple[int, ...]]:
    """Take the page marks out; return the text and the offset at which each page begins."""
    pieces: list[str] = []
    pages: list[int] = []
    length = last = 0
    for mark in _PAGE.finditer(content):
        piece = content[last : mark.start()]
        piece += "\n\n" if pieces or piece else ""
        pieces.append(piece)
        length += len(piece)
        pages.append(length)
        last = mark.end()
    return "".join([*pieces, content[last:]]), tuple(pages)
