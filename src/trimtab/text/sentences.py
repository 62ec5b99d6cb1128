# ruff: noqa: RUF001, SIM905 - punctuation and abbreviations of several languages, as text.
"""Cuts text into sentences with offsets: ``text[start:end]`` is the sentence.

Markdown structure comes first (a heading, a list item, a table row or a code block never joins its
neighbour), then punctuation inside each block, with the abbreviations, initials and ordinals that
would fool a rule of "full stop and space".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class BlockKind(StrEnum):
    """Kind of a block of text in Markdown structure."""

    PROSE = "prose"
    HEADING = "heading"
    ITEM = "item"
    ROW = "row"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, heading, list item sentence, table row or code block."""

    text: str
    start: int
    """Offset of its first character in the text that was cut."""
    end: int
    """Offset after its last character."""
    kind: BlockKind = BlockKind.PROSE


def sentences(text: str) -> tuple[Sentence, ...]:
    """Return the sentences in reading order; they never overlap and are never blank."""
    found: list[Sentence] = []
    for start, end, kind in _blocks(text):
        cuts = ((start, end),) if kind in _WHOLE else _cut(text, start, end)
        for low, high in cuts:
            trimmed = _trimmed(text, low, high)
            if trimmed is not None:
                found.append(Sentence(text[trimmed[0] : trimmed[1]], *trimmed, kind))
    return tuple(found)


_WHOLE = frozenset({BlockKind.HEADING, BlockKind.ROW, BlockKind.CODE})
_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+(?=\S)")
_RULE = re.compile(r"[ \t]*([-=*_])[ \t]*(?:\1[ \t]*){2,}$|[ \t]*=+[ \t]*$")
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*$")
_ROW_RULE = re.compile(
    r"[ \t]*+\|?[ \t]*+:?-{2,}+:?[ \t]*+(\|[ \t]*+:?-{2,}+:?[ \t]*+)*+\|?[ \t]*+$"
)
_ITEM = re.compile(r"[ \t]*(?:[-*+•–]|\(?\d{1,3}[.)]|\(?[a-z][.)])[ \t]+(?=\S)")
_QUOTE = re.compile(r"[ \t]*>+[ \t]?")

_UNDERLINE = re.compile(r"={3,}|-{3,}|~{3,}|\^{3,}")
_UNDERLINE_SLACK = 4
# "Tank: Q-087; Pressure: 4; Wall: steel": how ingestion writes the row of a table. In "The forest
# (Spanish: selva; French: forêt) is ..." the first colon stands within parentheses.
_FIELDS = re.compile(
    r"(?:[^:;()\n]|\([^:;()\n]*+\)){1,120}+: [^;\n]*+(?:; [^:;\n]{1,120}+: [^;\n]*+)++"
)
# "log file: syslog", "pgctl - stops it", or a name and its value in columns.
_ENTRY = re.compile(
    r"[ \t]*(?:[^\s:][^:\n]{0,38}:[ \t]+\S|\S++ {1,20}[-–—] \S|\S++(?: \S++){0,3}(?:\t+| {3,})\S)"
)

_CLOSED = frozenset({BlockKind.HEADING, BlockKind.ROW})
_Block = tuple[int, int, BlockKind]


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    """After the marker, if it has one."""
    end: int
    kind: BlockKind | None
    """None for a line that only separates: blank, a rule, a fence."""
    opens: bool
    """Whether its marker begins a block."""


def _blocks(text: str) -> Iterator[_Block]:
    """Yield the blocks of the text; markers of headings, items and quotes are left out."""
    block: _Block | None = None
    for line in _marked_lines(text):
        if block and _joins(line, block[2]):
            block = (block[0], line.end, block[2])
            continue
        if block:
            yield from _recognised(text, block, line)
        block = (line.start, line.end, line.kind) if line.kind else None
    if block:
        yield from _recognised(text, block, None)


def _recognised(text: str, block: _Block, after: _Line | None) -> Iterator[_Block]:
    """Yield the block: prose may be an underlined heading, a row of fields or a list of entries."""
    start, end, kind = block
    if kind is not BlockKind.PROSE:
        yield block
    elif text.find("\n", start, end) >= 0:
        yield from _entries(text, block)
    elif after is not None and _underlines(text[after.start : after.end], text[start:end]):
        yield start, end, BlockKind.HEADING
    else:
        yield (start, end, BlockKind.ROW) if _FIELDS.fullmatch(text, start, end) else block


def _entries(text: str, block: _Block) -> Iterator[_Block]:
    """Yield the entries of a paragraph that has a name and a value in each line, or the block."""
    found: list[_Block] = []
    indent = 0
    for start, end in _lines(text, block[0], block[1]):
        line = text[start:end].expandtabs()
        own = len(line) - len(line.lstrip())
        if found and own > indent + 1:
            found[-1] = (found[-1][0], end, BlockKind.ITEM)
        elif _ENTRY.match(text, start, end):
            found.append((start, end, BlockKind.ITEM))
            indent = own
        else:
            found = []
            break
    yield from found if len(found) > 1 else (block,)


def _joins(line: _Line, kind: BlockKind) -> bool:
    same_nature = (line.kind is BlockKind.CODE) == (kind is BlockKind.CODE)
    return line.kind is not None and not line.opens and kind not in _CLOSED and same_nature


def _marked_lines(text: str) -> Iterator[_Line]:
    fence = above = ""
    for start, end in _lines(text):
        line, before = text[start:end], above
        above = line
        underlines = not fence and _underlines(line, before)
        mark = None if underlines else _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
            yield _Line(start, end, None, opens=False)
        elif fence:
            yield _Line(start, end, BlockKind.CODE, opens=False)
        elif underlines or not line.strip() or _is_rule(line):
            yield _Line(start, end, None, opens=False)
        else:
            offset, kind = _starts(line)
            yield _Line(start + offset, end, kind or BlockKind.PROSE, opens=kind is not None)


def _underlines(line: str, above: str) -> bool:
    """Return whether a line underlines the line above: marks of about its length."""
    mark, title = line.strip(), above.strip()
    near = abs(len(mark) - len(title)) <= _UNDERLINE_SLACK
    return bool(title) and near and _UNDERLINE.fullmatch(mark) is not None and mark != title


def _is_rule(line: str) -> bool:
    return bool(_RULE.match(line) or _ROW_RULE.match(line))


def _starts(line: str) -> tuple[int, BlockKind | None]:
    """Return the kind of block that this line opens, and how many characters its marker takes."""
    if heading := _HEADING.match(line):
        return heading.end(), BlockKind.HEADING
    if _ROW.match(line):
        return 0, BlockKind.ROW
    if item := _ITEM.match(line):
        return item.end(), BlockKind.ITEM
    quote = _QUOTE.match(line)
    return (quote.end(), BlockKind.PROSE) if quote else (0, None)


def _lines(text: str, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, int]]:
    stop = len(text) if stop is None else stop
    while start < stop:
        end = text.find("\n", start, stop)
        end = stop if end < 0 else end
        yield start, end
        start = end + 1


_STOP = re.compile(
    r"""(?:(?<![.!?…])[.!?…]++|[।؟۔])["'»”’)\]*_]*(?:\[\w{1,12}\])*(?=\s)|[。！？]+[」』”’）]*"""
)
_LAST_WORD = re.compile(r"(?<![^\s(\[\"'“‘«])[^\s(\[\"'“‘«]+$")
_LONGEST_ABBREVIATION = 40
_BEFORE_A_WORD = frozenset(" \t\n\r\"'“‘«([*_")
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st sr jr rev hon gen col lt sgt capt gov sen rep pres no nos fig figs eq sec"
    " ch vol pp p ed eds vs cf e.g i.e eg ie al approx est inc ltd co corp dept univ ca c jan feb"
    " mar apr jun jul aug sep sept oct nov dec bzw z.b d.h u.a usw nr hr fr str ggf vgl abs art sog"
    " mme mlle m sra srta sr ud uds ee.uu av núm pág p.ej a.c d.c г ул т.е т.д т.п им стр р".split()
)
_MONTH = re.compile(
    r"\s+(?:Jan|Feb|März|Apr|Mai|Juni|Juli|Aug|Sept|Okt|Nov|Dez|Jahrhundert)", re.IGNORECASE
)

_AT_THE_END_TOO = frozenset("inc ltd co corp dept al jr sr art rep st av str usw a.m p.m".split())
_UNIT = re.compile(r"\d ?[a-zA-Z]$")
"""A unit of one letter: "holds 750 l. The next", "needs 400 V. Close it"."""
_OPENS_SENTENCE = re.compile(
    r"\s+(?:The|It|He|She|They|In|This|That|These|A|But|If|When|There|You|We|Each|After|Before|Then"
    r"|Der|Die|Ein|Eine|Es|Wenn|Nach|Une|Elle|Si|El|Una|Cuando)\b"
)


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the sentences of one block of prose."""
    low = start
    for stop in _STOP.finditer(text, start, end):
        if stop.end() < end and _ends_sentence(text, low, stop, end):
            yield low, stop.end()
            low = stop.end()
    if low < end:
        yield low, end


def _ends_sentence(text: str, low: int, stop: re.Match[str], end: int) -> bool:
    # No copy of the rest, and no search from the sentence's beginning: a text may be all stops, or
    # one sentence.
    at = stop.end()
    while at < end and text[at] in _BEFORE_A_WORD:
        at += 1
    if at == end:
        return True
    if stop[0][0] != ".":
        return not text[at].islower() or stop[0][0] in "।؟۔。！？"
    if text[at].islower():
        return False
    before = text[max(low, stop.start() - _LONGEST_ABBREVIATION) : stop.start()]
    word = _LAST_WORD.search(before)
    if word is None or _UNIT.search(before):
        return True
    return not _is_abbreviation(word[0], text[stop.end() : stop.end() + 14])


def _is_abbreviation(word: str, following: str) -> bool:
    if word.lower() == "no":
        return re.match(r"\s+[#\d]", following) is not None
    if word.lower() in _ABBREVIATIONS:
        return not (word.lower() in _AT_THE_END_TOO and _OPENS_SENTENCE.match(following))
    if len(word) == 1 and word.isalpha():
        # "the guard of hall B. The hall is closed"; no surname is a word like these.
        return word != "I" and not _OPENS_SENTENCE.match(following)
    if re.fullmatch(r"(?:\w\.)+\w", word):  # U.S, J.R
        return not _OPENS_SENTENCE.match(following)
    return bool(re.fullmatch(r"\d{1,2}", word) and _MONTH.match(following))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if end > start else None
