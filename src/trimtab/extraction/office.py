"""Reads Word documents and slides through kreuzberg."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from trimtab.extraction.docx_contents import without_contents
from trimtab.extraction.docx_runs import restore, with_plain_runs
from trimtab.extraction.markdown_tables import render_markdown_tables
from trimtab.extraction.records import Extracted, Refusal
from trimtab.extraction.slide_captions import Caption, join_captions, slide_captions
from trimtab.extraction.slide_notes import slide_notes

PAGE_MARK = "\u241ePAGE{page_num}\u241e"
_PAGE = re.compile(r"(?:(?<!\s)\s++)?\u241ePAGE(\d+)\u241e\s*+")
_REPEATS = 3
"""Slides that end with the same paragraph: it is their footer."""
_PICTURE = re.compile(r"\\?!\[[^\[\]\n]{0,500}\]\([^()\s]{0,500}\)")
# kreuzberg writes a tab as a reference. Before a line it only indents it, as a page break does.
_INDENT = re.compile(r"^ ?(?:(?:&#9;)+|(?=\S))", re.MULTILINE)
_END_OF_LINE = re.compile(r"(?<![ \t])[ \t]+$", re.MULTILINE)
_LINES_APART = re.compile(r"\n{3,}")
_EMPHASIS = re.compile(r"(?:\\?\*){2,3}")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


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
    is_document = media_type.endswith("wordprocessingml.document")
    if is_document:
        data = with_plain_runs(data)
    try:
        result: Any = kreuzberg.extract_bytes_sync(data, media_type, config=config)
    except (kreuzberg.KreuzbergError, ValueError, RuntimeError) as error:
        detail = str(error)
        if isinstance(error, kreuzberg.MissingDependencyError):
            raise Refusal("installation", detail) from error
        protected = re.search(r"password|encrypt", detail, re.IGNORECASE)
        raise Refusal("encrypted" if protected else "unreadable", detail) from error
    content = _plain(result.content.replace("\r\n", "\n"))
    if media_type.endswith("presentation"):
        content = _with_notes(content, slide_notes(data), slide_captions(data))
    elif is_document:
        content = without_contents(restore(content), data)
    text, pages = _paged(render_markdown_tables(content))
    title = result.metadata.get("title") or result.metadata.get("subject")
    return Extracted(text, restore(str(title or "")), pages)


def _plain(content: str) -> str:
    """Return the text without pictures, emphasis and escapes."""
    content = _EMPHASIS.sub("", _PICTURE.sub("", _INDENT.sub("", content))).replace("&#9;", "\t")
    content = _LINES_APART.sub("\n\n", _END_OF_LINE.sub("", content))
    return _ESCAPED.sub(lambda found: found[0] if found[1] in "#|" else found[1], content)


def _with_notes(content: str, notes: dict[int, str], captions: Sequence[Caption]) -> str:
    """Return the slides without their footer, captions joined, each with its speaker notes."""
    marks = list(_PAGE.finditer(content))
    pieces = [content[: marks[0].start()] if marks else content]
    ends = [mark.start() for mark in marks[1:]] + [len(content)]
    slides = [content[mark.start() : end] for mark, end in zip(marks, ends, strict=True)]
    footers = Counter(slide.rstrip().rpartition("\n\n")[2] for slide in slides)
    for mark, slide in zip(marks, slides, strict=True):
        body, _, last = slide.rstrip().rpartition("\n\n")
        is_footer = body and footers[last] >= max(_REPEATS, len(slides) / 2)
        kept = body if is_footer else slide.rstrip()
        spoken, kept = notes.get(int(mark[1]), ""), join_captions(kept, captions)
        pieces.append(f"{kept}\n\n### Notes\n\n{spoken}\n" if spoken else f"{kept}\n")
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
