"""Splits a text into passages at headings, paragraphs and sentences.

The pieces are a partition: joined in order they are the text again, so offsets are exact and
nothing is stored twice. A block of code stays whole as far as a passage may be long, a line that
ends with a colon stays with what it announces, and a question with its answer.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from trimtab.kernel.ids import content_id
from trimtab.knowledge.markdown import (
    Heading,
    front_matter_end,
    heading,
    underlined,
    underlined_title,
)
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
_QUESTION_MARKS = ("?", "\uff1f", "\u061f")
_CLOSING = " \t*_\"')]\u201d\u2019\u00bb"
_LONGEST_ENDING = 40
"""Characters before a cut that are looked at: blank lines and closing marks included."""
_MAILS = frozenset({"message/rfc822", "application/mbox"})
_QUOTED = re.compile(r"(?:^[^>\n][^\n]*:[ \t]*\n(?:[ \t]*\n)?)?(?:^>[^\n]*\n?){3,}", re.MULTILINE)
"""A quoted mail with the line that says who wrote it."""


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading's offset, the offset after it, and its path, itself included."""

    start: int
    end: int
    path: str


def chunk_document(document_id: str, parsed: ParsedDocument, target: int) -> list[Chunk]:
    """Return the document's passages in order.

    Args:
        document_id: Part of each chunk's id: equal texts in two documents get different ids.
        parsed: The text with its pages.
        target: Characters a passage aims at; none is longer than twice that, blanks left out.
    """
    text, fences = parsed.text, list[int]()
    sections: list[_Section] = []
    for section in _headings(parsed, fences):
        # A heading directly above a deeper one would be a passage without a text.
        if (
            sections
            and section.path.startswith(f"{sections[-1].path} > ")
            and not text[sections[-1].end : section.start].strip()
        ):
            sections[-1] = replace(section, start=sections[-1].start)
        else:
            sections.append(section)
    starts = [section.start for section in sections]
    # A question at the end of a page stays with the answer on the next one.
    pages = (page for page in parsed.pages if _may_cut(text, page, ()))
    hard = {0, *pages, *starts}
    if parsed.media_type in _MAILS or text.startswith(("---\n", "+++\n")):
        hard.update(_other_cuts(parsed))
    cuts = _cuts(text, sorted(hard), target, fences)
    seen: dict[str, int] = {}
    chunks: list[Chunk] = []
    for ordinal, (start, end) in enumerate(pairwise([*cuts, len(text)])):
        passage = text[start:end]
        begins = end - len(passage.lstrip())
        at = bisect_right(starts, begins) - 1
        under = sections[at].path if at >= 0 else ""
        page = bisect_right(parsed.pages, begins) or None
        repeat = seen[f"{under}\0{passage}"] = seen.get(f"{under}\0{passage}", 0) + 1
        chunk_id = content_id("chk", document_id, under, passage, str(repeat))
        chunks.append(Chunk(chunk_id, ordinal, start, end, passage, page, under))
    return chunks


def _headings(parsed: ParsedDocument, fences: list[int]) -> Iterator[_Section]:
    """Yield the headings; append the offsets at which blocks of code begin and end, in turns."""
    plain = not parsed.marked_up
    if plain and parsed.media_type != "text/plain":
        return
    path: list[Heading] = []
    fence = ""
    offset = 0
    before, above, above_at = "", "", 0
    for line in parsed.text.splitlines(keepends=True):
        mark = None if plain else _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fences.append(offset + len(line) if fence else offset)
            fence = "" if fence else mark[1]
        elif not fence:
            start = offset
            found = None if plain else heading(line)
            if found is None:
                start = above_at
                found = (underlined_title if plain else underlined)(before, above, line)
            if found is not None:
                path = [entry for entry in path if entry.level < found.level] + [found]
                yield _Section(start, offset + len(line), " > ".join(part.text for part in path))
        before, above, above_at = above, line, offset
        offset += len(line)


def _other_cuts(parsed: ParsedDocument) -> Iterator[int]:
    """Yield where front matter ends, and where quoted mails begin and end."""
    if parsed.media_type == "text/markdown" and (end := front_matter_end(parsed.text)):
        yield end
    if parsed.media_type in _MAILS:
        for quoted in _QUOTED.finditer(parsed.text):
            yield from quoted.span()


def _cuts(text: str, hard: Sequence[int], target: int, fences: Sequence[int]) -> list[int]:
    """Return the offsets at which pieces of at most ``target`` start, also at every hard cut."""
    cuts: list[int] = []
    for begin, end in pairwise([*hard, len(text)]):
        last = begin + len(text[begin:end].rstrip())
        if last == begin:
            continue  # Blank stretches stay with the piece before them, or with the first one.
        start = begin
        cuts.append(start if cuts else 0)
        # A short remainder would say little on its own: it stays with its piece.
        while end - start > target * 5 // 4 and start + target < last:
            before, start = start, _joint(text, start, target, fences)
            # A deep indent may fill a piece: blanks say nothing, so they stay with what follows.
            if start < last and not text[before:start].isspace():
                cuts.append(start)
    return cuts or [0]


def embedded_text(heading: str, text: str) -> str:
    """Return what the model sees of a passage: its text under its headings."""
    body = text.strip()
    return f"{heading}\n{body}" if heading else body


def _joint(text: str, start: int, target: int, fences: Sequence[int]) -> int:
    window = text[start : start + target]
    for joint in _JOINTS[:2]:
        for least in (target // 2, target // 4):
            found = _last_cut(text, start, _ends(joint, window, least), fences)
            if found:
                return found
    place = bisect_right(fences, start + target // 2)
    if place % 2 and place < len(fences) and fences[place] - start <= 2 * target:
        return fences[place]  # The whole block of code.
    for joint in _JOINTS:
        ends = _ends(joint, window, target // 2)
        if not ends:
            continue
        if joint in _JOINTS[3:]:
            return start + ends[-1]
        best = _last_cut(text, start, ends, ()) or _first_cut(text, start, target)
        return best or start + ends[-1]
    return start + target


def _ends(joint: re.Pattern[str], window: str, least: int) -> list[int]:
    return [match.end() for match in joint.finditer(window) if match.end() > least]


def _last_cut(text: str, start: int, ends: Sequence[int], fences: Sequence[int]) -> int:
    """Return the last of the offsets where the text may be cut; 0 without one."""
    may = (start + end for end in reversed(ends) if _may_cut(text, start + end, fences))
    return next(may, 0)


def _first_cut(text: str, start: int, target: int) -> int:
    """Return the first joint above the target that is not behind a question; 0 without one."""
    window = text[start : start + 2 * target]
    for joint in _JOINTS[:3]:
        for match in joint.finditer(window, target):
            if _may_cut(text, start + match.end(), ()):
                return start + match.end()
    return 0


def _may_cut(text: str, at: int, fences: Sequence[int]) -> bool:
    """Return whether the offset is not inside code, nor behind a question or an announcement."""
    line = text[max(0, at - _LONGEST_ENDING) : at].rstrip()
    announces = line.endswith((":", "\uff1a")) or line.rstrip(_CLOSING).endswith(_QUESTION_MARKS)
    return not announces and not bisect_right(fences, at - 1) % 2
