"""Renders the tables of Markdown row by row; everything else stays as it is."""

import re
from collections.abc import Iterator

from trimtab.extraction.tables import render_table

_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})")
_RULE = re.compile(r"[ \t]{0,3}\|?[ \t]*+:?-+:?[ \t]*+(?:\|[ \t]*+:?-+:?[ \t]*+)*+\|?[ \t]*+")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def render_markdown_tables(text: str) -> str:
    """Return the text with each row of a table as a paragraph with its header."""
    if "|" not in text or "--" not in text:
        return text
    return "\n".join(_rendered(text.split("\n")))


def _rendered(lines: list[str]) -> Iterator[str]:
    fence = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        if not fence and at + 1 < len(lines) and _begins_table(line, lines[at + 1]):
            end = at + 2
            while end < len(lines) and "|" in lines[end]:
                end += 1
            cells = [cells_of(row) for row in (line, *lines[at + 2 : end])]
            yield from (["", ""] if at and lines[at - 1].strip() else [])[:1]
            yield render_table(cells, header=any(cells[0]))
            yield from [""] if end < len(lines) and lines[end].strip() else []
            at = end
            continue
        yield line
        at += 1


def _begins_table(line: str, rule: str) -> bool:
    if "|" not in line or "|" not in rule or not _RULE.fullmatch(rule):
        return False
    return len(cells_of(line)) == len(cells_of(rule))


def cells_of(line: str) -> list[str]:
    """Return the cells of a line; a bar after a backslash or inside code is part of its cell."""
    cells, cell, code, escaped = [], "", False, False
    for letter in line.strip().removeprefix("|"):
        if escaped:
            cell += letter if letter == "|" else "\\" + letter
        elif letter == "|" and not code:
            cells.append(cell)
            cell = ""
        elif letter != "\\":
            cell += letter
            code ^= letter == "`"
        escaped = letter == "\\" and not escaped
    if cell.strip():
        cells.append(cell)
    return [_BREAK.sub(" ", cell).strip() for cell in cells]
