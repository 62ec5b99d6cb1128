"""Reads Rich Text Format files."""

import re

from striprtf.striprtf import rtf_to_text

from trimtab.extraction.markdown_tables import cells_of
from trimtab.extraction.records import Extracted, Refusal
from trimtab.extraction.tables import render_table

_TITLE = re.compile(r"\{\\title ([^{}\\]{1,300})\}")


def read_rtf(data: bytes) -> Extracted:
    """Return the text and title.

    Raises:
        Refusal: The file is malformed.
    """
    source = data.decode("latin-1")  # RTF itself is ASCII and escapes everything else.
    try:
        text = str(rtf_to_text(source, errors="strict"))  # type: ignore[no-untyped-call]
    except (UnicodeError, ValueError, LookupError, IndexError) as error:
        raise Refusal("unreadable", f"{type(error).__name__}: {error}") from error
    title = _TITLE.search(source)
    return Extracted(_paragraphs(text), title[1].strip() if title else "")


def _paragraphs(text: str) -> str:
    """Return the lines as paragraphs; consecutive lines of cells are the rows of a table."""
    done: list[str] = []
    rows: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        if line.count("|") >= 1 and line.rstrip().endswith("|"):
            rows.append(cells_of(line))
            continue
        if rows:
            done.append(render_table(rows))
            rows = []
        if line.strip():
            done.append(line.strip())
    return "\n\n".join(done)
