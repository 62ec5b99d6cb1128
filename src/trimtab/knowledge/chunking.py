"""Splits a text into passages at headings, paragraphs and sentences.

The pieces are a partition: joined in order they are the text again, so offsets are exact and
nothing is stored twice.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from trimtab.kernel.ids import content_id
from trimtab.knowledge.markdown import heading, underlined
from trimtab.knowledge.records import Chunk, ParsedDocument

_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
# Where a long stretch may be cut, the best joint first.
_JOINTS = (
    re.compile(r"\n[ \t]*\n\s*"),
    re.compile(r"\n"),
    re.compile(r"[.!?\u2026\u3002\uff01\uff1f]['\")\]]*\s+"),
    re.compile(r"[;:,]\s+"),
    re.compile(r"\s+"),
)


def chunk_document(document_id: str, parsed: ParsedDocument, target: int) -> list[Chunk]:
    """Return the document's passages in order.

    Args:
        document_id: Part of each chunk's id: equal texts in two documents get different ids.
        parsed: The text with its pages.
        target: Characters a passage aims at; none is longer than twice that.
    """
    headings = list(_headings(parsed.text)) if parsed.marked_up else []
    hard = sorted({0, *parsed.pages, *(start for start, _ in headings)})
    cuts = _cuts(parsed.text, hard, target)
    heading_starts = [start for start, _ in headings]
    seen: dict[str, int] = {}
    chunks: list[Chunk] = []
    for ordinal, (start, end) in enumerate(pairwise([*cuts, len(parsed.text)])):
        text = parsed.text[start:end]
        at = bisect_right(heading_starts, start) - 1
        under = headings[at][1] if at >= 0 else ""
        page = bisect_right(parsed.pages, start) or None
        repeat = seen[f"{under}\0{text}"] = seen.get(f"{under}\0{text}", 0) + 1
        chunk_id = content_id("chk", document_id, under, text, str(repeat))
        chunks.append(Chunk(chunk_id, ordinal, start, end, text, page, under))
    return chunks


def _headings(text: str) -> Iterator[tuple[int, str]]:
    """Yield each Markdown heading's offset and its path of headings, itself included."""
    path: list[tuple[int, str]] = []
    fence = ""
    offset = 0
    before, above, above_at = "", "", 0
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if mark and (not fence or mark.group(1).startswith(fence)):
            fence = "" if fence else mark.group(1)
        elif not fence and (found := heading(line)):
            path = [entry for entry in path if entry[0] < found.level]
            path.append((found.level, found.text))
            yield offset, " > ".join(name for _, name in path)
        elif not fence and (found := underlined(before, above, line)):
            path = [entry for entry in path if entry[0] < found.level]
            path.append((found.level, found.text))
            yield above_at, " > ".join(name for _, name in path)
        before, above, above_at = above, line, offset
        offset += len(line)


def _cuts(text: str, hard: Sequence[int], target: int) -> list[int]:
    """Return the offsets at which pieces of at most ``target`` start, also at every hard cut."""
    cuts: list[int] = []
    for begin, end in pairwise([*hard, len(text)]):
        last = begin + len(text[begin:end].rstrip())
        if cuts and last == begin:
            continue  # Blank stretches stay with the piece before them.
        start = begin
        cuts.append(start)
        # A short remainder would say little on its own: it stays with its piece.
        while end - start > target * 5 // 4 and start + target < last:
            start = _joint(text, start, target)
            cuts.append(start)
    return cuts


def embedded_text(heading: str, text: str) -> str:
    """Return what the model sees of a passage: its text under its headings."""
    body = text.strip()
    return f"{heading}\n{body}" if heading else body


def _joint(text: str, start: int, target: int) -> int:
    window = text[start : start + target]
    for joint in _JOINTS:
        ends = [match.end() for match in joint.finditer(window) if match.end() > target // 2]
        if ends:
            return start + ends[-1]
    return start + target
