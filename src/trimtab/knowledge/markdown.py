"""Headings and front matter of Markdown, read line by line in linear time."""

from dataclasses import dataclass

_DEEPEST = 6
_MAX_INDENT = 3
_RULES = "=-~^"
MAX_CHARACTERS = 500
"""A heading is kept with each passage under it, so a longer one is cut."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading and its text: ``#`` to ``######`` in front, or ``=`` or ``-`` below."""

    level: int
    text: str


def heading(line: str) -> Heading | None:
    """Return the heading that the line is, if it is one and has a text.

    As in CommonMark, ``#`` at the end closes the heading only after a blank: ``# C#`` is "C#".
    """
    bare = line.lstrip(" ")
    level = len(bare) - len(bare.lstrip("#"))
    if len(line) - len(bare) > _MAX_INDENT or not 1 <= level <= _DEEPEST:
        return None
    text = bare[level:]
    if not text[:1].isspace():
        return None
    text = text.strip()
    open_text = text.rstrip("#")
    if not open_text or open_text[-1].isspace():
        text = open_text.rstrip()
    return Heading(level, text[:MAX_CHARACTERS].rstrip()) if text else None


def underlined(before: str, text: str, line: str) -> Heading | None:
    """Return the heading made by a line of ``=`` (first level) or ``-`` (second) below it.

    Args:
        before: The line above the text; must be blank, to exclude paragraphs, tables, front matter.
        text: The line above.
        line: The possible underline; at least two characters, as ``-`` alone begins a list.
    """
    mark, bare = line.strip(), text.strip()
    if len(mark) < 2 or (mark.strip("=") and mark.strip("-")) or before.strip():
        return None
    if not bare or bare[0] in "#>|-*+=`~" or text.startswith(("    ", "\t")):
        return None
    return Heading(1 if mark[0] == "=" else 2, bare[:MAX_CHARACTERS].rstrip())


def underlined_title(before: str, text: str, line: str) -> Heading | None:
    """Return the heading of a plain text: a short line with a rule of its own length below it.

    Args:
        before: The line above the text; blank, or the same rule.
        text: The line above.
        line: The possible rule, of ``=``, ``-``, ``~`` or ``^``.
    """
    mark, bare = line.strip(), text.strip()
    if len(mark) < 3 or mark[0] not in _RULES or mark.strip(mark[0]):
        return None
    if before.strip() not in ("", mark) or abs(len(bare) - len(mark)) > 2 or "  " in bare:
        return None
    return Heading(_RULES.index(mark[0]) + 1, bare) if len(bare) <= MAX_CHARACTERS else None


def front_matter_end(text: str) -> int:
    """Return the offset after the front matter between ``---`` or ``+++`` lines, or 0."""
    fence = text[:3]
    if fence not in ("---", "+++") or text[3:4] != "\n":
        return 0
    end = text.find(f"\n{fence}\n", 3)
    if end < 0 and text.rstrip().endswith(f"\n{fence}"):
        return len(text)
    return end + 5 if end >= 0 else 0


def title(text: str) -> str:
    """Return the title of the front matter, else the first first-level heading, else empty."""
    lines = text.splitlines()
    if lines[:1] == ["---"]:
        front = [line.rstrip() for line in lines[1:]]
        end = front.index("---") if "---" in front else 0
        for line in front[:end]:
            stated = line.removeprefix("title:").strip().strip("\"'")
            if line.startswith("title:") and stated:
                return stated[:MAX_CHARACTERS].rstrip()
    for before, above, line in zip(["", "", *lines], ["", *lines], lines, strict=False):
        found = heading(line) if line.startswith("#") else underlined(before, above, line)
        if found is not None and found.level == 1:
            return found.text.strip("\"'")
    return ""
