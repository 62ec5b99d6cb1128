# ruff: noqa: RUF001 - punctuation of several languages.
"""Units of evidence: the sentences of a passage with the context that they depend on.

A unit is what an answer may quote. Headings, navigation, front matter and questions are not units;
their words are context of what stands below them. A list item has its lead-in as context, a command
is quoted together with the line that introduces it.
"""

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from cachetools import LRUCache

from trimtab.answers.line_kinds import is_capital_heading, is_furniture, is_label
from trimtab.answers.records import SourcePassage
from trimtab.kernel.ids import content_id
from trimtab.text.sentences import BlockKind, Sentence, sentences
from trimtab.text.words import stems

MAX_QUOTE = 500
"""Characters that a quote of several lines may have; a longer one is cut at its lines."""
_MAX_BREAKS = 4
_REMEMBERED = 2_000

_FRONT_MATTER = re.compile(r"(?:---|\+\+\+)[ \t]*\r?\n")
_QUESTION = re.compile(r"[?？][\s*_\"')\]]*$")
_QUESTION_LABEL = re.compile(r"\s*[*_]*(?:Q|Question)[ \d]{0,4}[*_]*[:.)]", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!;。！…][\s*_\"')\]\d]*$")
_MARKS = re.compile(r"(?<!\w)[*_]{1,3}|[*_]{1,3}(?!\w)|`{1,3}|\[\]|\\(?=[^\w\s])")
_LINK = re.compile(r"!?\[([^\]\n]{0,200})\]\([^)\n]{0,500}\)")
_ROW_RULE = re.compile(r"[ \t|:]*-[ \t|:\-]*")
_COMPOUND = re.compile(r"\b[^\W_]*+_\w+")
_NAME_WORDS = 8
_ENDS = frozenset(".!?;:,)]")


@dataclass(frozen=True, slots=True)
class Unit:
    """A quotable stretch of a passage."""

    start: int
    """Offset of its first character in the passage ..."""
    end: int
    """... and after its last one."""
    kind: BlockKind
    shown: str
    """The text for people: prose on one line, a table row as "column: value"."""
    sequence: tuple[str, ...]
    """Stems of its words in order."""
    stems: frozenset[str]
    context: frozenset[str]
    """Stems of the lead-in, of the question or heading right above it."""
    asked: frozenset[str] = frozenset()
    """Stems of the question right above it, in a list of questions and answers."""


@dataclass(frozen=True, slots=True)
class PassageUnits:
    """A passage cut into units."""

    units: tuple[Unit, ...]
    place: frozenset[str]
    """Stems of the document's title and file name, and of the headings above the passage."""
    heading: frozenset[str]
    """Stems of the innermost heading."""
    stems: frozenset[str]
    """Stems of all its text."""


_cache: LRUCache[str, PassageUnits] = LRUCache(_REMEMBERED)
_lock = threading.Lock()


def units_of(passage: SourcePassage) -> PassageUnits:
    """Return the units of a passage; those of the last passages are remembered."""
    names = (passage.title, passage.document_name, passage.heading)
    key = content_id("units", *names, str(passage.start == 0), passage.text)
    with _lock:
        known = _cache.get(key)
    if known is None:
        known = _cut(passage)
        with _lock:
            _cache[key] = known
    return known


def with_title(passage: SourcePassage, cut: PassageUnits) -> PassageUnits:
    """Return the units and one more that names the document, for questions that ask for it.

    It is cited by the passage's first unit, or by all of a passage that is only a heading: a title
    need not be part of the document's text.
    """
    start, end = _without(passage.text, 0, len(passage.text), " \t\n#")
    if cut.units:
        start, end = cut.units[0].start, cut.units[0].end
    elif start == end or passage.text.startswith("---"):
        return cut
    name = passage.document_name
    shown = f"{passage.title} ({name})" if passage.title and passage.title != name else name
    named = Unit(
        start=start,
        end=end,
        kind=BlockKind.HEADING,
        shown=shown,
        sequence=tuple(stems(shown)),
        stems=cut.place,
        context=cut.stems,
    )
    return replace(cut, units=(*cut.units, named))


def forget_units() -> None:
    """Drop the remembered units: part of each erasure."""
    with _lock:
        _cache.clear()


def _cut(passage: SourcePassage) -> PassageUnits:
    text = passage.text
    name = re.sub(r"[._/-]+", " ", passage.document_name)
    place = frozenset(stems(f"{passage.title} {passage.document_name} {name} {passage.heading}"))
    if passage.start == 0 and _FRONT_MATTER.match(text):
        return PassageUnits((), place, frozenset(), frozenset())
    innermost = passage.heading.rpartition(" > ")[2]
    units = tuple(_Cutter(text, innermost).units(_pieces(text)))
    return PassageUnits(units, place, frozenset(stems(innermost)), frozenset(stems(text)))


def _pieces(text: str) -> list[Sentence]:
    """Return the sentences; code is cut at blank lines and at comments, rows lose their bars."""
    found: list[Sentence] = []
    for part in sentences(text):
        if part.kind is BlockKind.CODE:
            found += _commands(text, part)
        elif part.kind is BlockKind.PROSE and _is_indented_command(text, part):
            found += _commands(text, replace(part, kind=BlockKind.CODE))
        elif part.kind is BlockKind.ROW and part.text.startswith("|"):
            start, end = _without(text, part.start, part.end, "| \t")
            if start < end:
                found.append(Sentence(text[start:end], start, end, BlockKind.ROW))
        else:
            found += _in_few_lines(text, part)
    return found


class _Cutter:
    """Reads the pieces of a passage in order and remembers what stands above each.

    Args:
        text: The passage.
        heading: The innermost heading above it.
    """

    def __init__(self, text: str, heading: str) -> None:
        self._text = text
        self._above = frozenset(stems(heading))
        self._asked = self._above if _QUESTION.search(heading) else frozenset[str]()
        self._lead: Sentence | None = None
        self._labels: list[tuple[int, Sentence]] = []
        """The labels in force with the indent at or above which a line ends each."""
        self._header: list[str] = []

    def units(self, pieces: Sequence[Sentence]) -> Iterator[Unit]:
        """Yield the quotable pieces."""
        for at, piece in enumerate(pieces):
            if piece.kind is not BlockKind.ROW:
                self._header = []
            if piece.kind is BlockKind.HEADING:
                self._take_heading(piece)
            elif piece.kind is BlockKind.ROW and "|" in piece.text:
                yield from self._barred_row(piece)
            elif piece.kind not in _WORDED or not self._takes_context(piece, pieces[at + 1 :]):
                yield self._quotable(piece, pieces[at + 1 :])

    def _take_heading(self, piece: Sentence) -> None:
        self._above, self._lead = frozenset(stems(piece.text)), None
        self._labels.clear()
        self._asked = self._above if _QUESTION.search(piece.text) else frozenset()

    def _barred_row(self, piece: Sentence) -> Iterator[Unit]:
        """Yield a row between bars with its columns; the header is remembered."""
        if _has_rule_below(self._text, piece.end):
            self._header = _cells(piece.text)
        else:
            yield _unit(piece, _labelled(self._header, piece.text), self._above)

    def _takes_context(self, piece: Sentence, after: Sequence[Sentence]) -> bool:
        """Keep a piece that does not answer by itself as context; return whether it is one."""
        bare = plain(piece.text)
        paragraph = max(0, self._text.rfind("\n\n", 0, piece.start))
        asks = _QUESTION_LABEL.match(self._text, paragraph)
        if asks and "?" in self._text[paragraph : piece.start]:
            asks = None
        if asks or _QUESTION.search(bare):
            begun = self._asked if asks and asks.end() < piece.start else frozenset[str]()
            self._asked, self._lead = begun | frozenset(stems(bare)), None
            return True
        if is_furniture(bare):
            return True
        if is_capital_heading(self._text, piece):
            self._take_heading(piece)
            return True
        if after and _adjoins(self._text, piece, after[0]):
            self._lead = piece  # Quoted with the command below it.
            return True
        labels = is_label(piece.text, bare)
        if labels or _names_below(self._text, piece, after):
            # A label holds for what stands as far to the left, a mere line only for what does not.
            indent = _indent(self._text, piece) - labels
            self._end_labels(indent)
            self._labels.append((indent, piece))
            self._lead = None
            return True
        return False

    def _end_labels(self, indent: int) -> None:
        while self._labels and self._labels[-1][0] >= indent:
            self._labels.pop()

    def _quotable(self, piece: Sentence, after: Sequence[Sentence]) -> Unit:
        if _introduces(piece, after):
            self._lead = piece
            listed = _listed(self._text, piece, after)
            unit = _unit(listed, _shown(listed), self._above)
            return replace(unit, asked=self._asked)
        if piece.kind is BlockKind.PROSE:
            self._lead = None
            self._end_labels(_indent(self._text, piece))
        labels = " ".join(label.text for _, label in self._labels)
        context, lead = self._above | frozenset(stems(labels)), self._lead
        if lead is not None:
            context |= frozenset(stems(lead.text))
            if _adjoins(self._text, lead, piece):
                start, end = lead.start, piece.end
                piece = Sentence(self._text[start:end], start, end, piece.kind)
        unit = _unit(piece, _shown(piece), context)
        return replace(unit, asked=self._asked)


_WORDED = frozenset({BlockKind.PROSE, BlockKind.ITEM})


def plain(text: str) -> str:
    """Return the text without Markdown marks, on one line."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", text)).split())


def _unit(part: Sentence, shown: str, context: frozenset[str]) -> Unit:
    bare = plain(shown)
    sequence = tuple(stems(bare))
    # The parts of a name such as "query_cache_size" are words too.
    parts = stems(" ".join(_COMPOUND.findall(bare)).replace("_", " ")) if "_" in bare else ()
    held = frozenset(sequence).union(parts)
    return Unit(part.start, part.end, part.kind, shown, sequence, held, context)


def _shown(part: Sentence) -> str:
    in_lines = part.kind is BlockKind.ITEM and "\n" in part.text
    if part.kind is BlockKind.CODE or in_lines:
        return part.text
    return " ".join(part.text.split())


def _indent(text: str, piece: Sentence) -> int:
    """Return the column at which a piece begins."""
    return piece.start - (text.rfind("\n", 0, piece.start) + 1)


def _names_below(text: str, piece: Sentence, after: Sequence[Sentence]) -> bool:
    """Return whether a short line without an end stands above what is indented further."""
    if not after or "\n" in piece.text or len(piece.text.split()) > _NAME_WORDS:
        return False
    whole = text[piece.end : piece.end + 1] in {"", "\n"}
    ended = piece.text.rstrip()[-1:] in _ENDS
    return whole and not ended and _indent(text, after[0]) > _indent(text, piece)


def _introduces(part: Sentence, after: Sequence[Sentence]) -> bool:
    """Return whether a sentence is the lead-in of a list."""
    worded = part.kind in _WORDED and plain(part.text).endswith(":")
    return worded and bool(after) and after[0].kind is BlockKind.ITEM


def _listed(text: str, lead: Sentence, after: Sequence[Sentence]) -> Sentence:
    """Return the lead-in with as many of its items as a quote holds."""
    for last in reversed(list(takewhile(lambda piece: piece.kind is BlockKind.ITEM, after))):
        if _fits(text, lead.start, last.end):
            return Sentence(text[lead.start : last.end], lead.start, last.end, BlockKind.ITEM)
    return lead


def _fits(text: str, start: int, end: int) -> bool:
    """Return whether a stretch is short enough to be quoted in one piece."""
    return end - start <= MAX_QUOTE and text.count("\n", start, end) <= _MAX_BREAKS


def _adjoins(text: str, lead: Sentence, part: Sentence) -> bool:
    """Return whether a command stands right below a line, and both fit in a quote."""
    if part.kind is not BlockKind.CODE:
        return False
    between = re.sub(r"[`~]{3,}\w*", "", text[lead.end : part.start])
    return not between.strip() and _fits(text, lead.start, part.end)


def _has_rule_below(text: str, end: int) -> bool:
    """Return whether the next line is the rule below the header of a table."""
    line = text.find("\n", end) + 1
    stop = text.find("\n", line)
    return line > 0 and _ROW_RULE.fullmatch(text[line : stop if stop >= 0 else None]) is not None


def _cells(row: str) -> list[str]:
    return [plain(cell) for cell in row.strip("| \t").split("|")]


def _labelled(header: Sequence[str], row: str) -> str:
    """Return the row as "column: value"; without usable header as its values."""
    cells = _cells(row)
    if len(header) != len(cells):
        return "; ".join(cell for cell in cells if cell)
    named = zip(header, cells, strict=True)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def _in_few_lines(text: str, part: Sentence) -> Iterator[Sentence]:
    """Yield a sentence, or its lines a few at a time when it runs over many."""
    start = part.start
    for breaks, (_, stop) in enumerate(_lines_of(text, part.start, part.end), 1):
        if stop == part.end or breaks % (_MAX_BREAKS + 1) == 0:
            yield Sentence(text[start:stop], start, stop, part.kind)
            start = stop + 1


def _commands(text: str, block: Sentence) -> Iterator[Sentence]:
    """Yield the commands of a block of code, each with the comments above it."""
    start = end = -1
    commented = False
    for low, high in _lines_of(text, block.start, block.end):
        line = text[low:high].strip()
        comment = line.startswith(("# ", "// ", "-- ", "; "))
        full = start >= 0 and text.count("\n", start, high) > _MAX_BREAKS - 1
        if start >= 0 and (not line or full or (comment and not commented)):
            yield Sentence(text[start:end], start, end, BlockKind.CODE)
            start = -1
        if line:
            if start < 0:
                start = low + len(text[low:high]) - len(text[low:high].lstrip())
            end = low + len(text[low:high].rstrip())
            commented = comment
    if start >= 0:
        yield Sentence(text[start:end], start, end, BlockKind.CODE)


def _lines_of(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield start, stop
        start = stop + 1


def _is_indented_command(text: str, part: Sentence) -> bool:
    """Return whether a paragraph stands apart by its indent and does not read as a sentence."""
    line = text.rfind("\n", 0, part.start) + 1
    indent = part.start - line
    if indent < 2 or text[line : part.start].strip() or _SENTENCE_END.search(part.text):
        return False
    first = part.text.split("\n", 1)[0]
    return len(first.split()) <= 12 and not part.text.rstrip().endswith((":", "?"))


def _without(text: str, start: int, end: int, marks: str) -> tuple[int, int]:
    while start < end and text[start] in marks:
        start += 1
    while end > start and text[end - 1] in marks:
        end -= 1
    return start, end
