"""Finds new statements whose figures or negation conflict with older documents.

Two statements conflict when they are about the same, word for word nearly, and differ in a number,
a date or a negation. What says the same in other words is not found, and neither of the two is
judged: a person decides which one holds.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from trimtab.guardrails.contradictions import contradicts
from trimtab.guardrails.facts import unsupported
from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Sample, Signal
from trimtab.knowledge.neighbours import DatedPassage, Neighbours, PassagePair
from trimtab.knowledge.records import Labels
from trimtab.knowledge.service import RECENT_DAYS
from trimtab.text.sentences import sentences
from trimtab.text.words import STOP_WORDS, stem, words

MAX_PASSAGES = 500
"""New passages that one look compares: a few seconds of CPU time."""
_MAX_SENTENCES = 60
_SHARED, _SHARED_OF_LONGER = 0.8, 0.6
"""Shares of the words of the shorter and of the longer statement that both must have."""
_FEWEST_WORDS = 2
_ROW = re.compile(r"[^:;\n]{1,120}+: [^;\n]*+(?:; [^:;\n]{1,120}+: [^;\n]*+)++")
_DIGIT = re.compile(r"\d")
_NAME = re.compile(r"\b[A-Za-z]{1,8}[-_]?\d[\w-]*(?:\.\d+)*|(?<!^)(?<![.!?] )\b[A-Z]\w*")
"""Names and identifiers: another one, and the statement is about something else."""
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_MAX_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A new statement and an older one that it conflicts with."""

    kind: str
    """``figure`` or ``negation``."""
    new: DatedPassage
    """The sentence or table row, and where it stands."""
    old: DatedPassage


class ContradictionFinder:
    """Compares what came in lately with older documents of the same project.

    Args:
        neighbours: Pairs passages about the same.
        clock: Tells what is new.
    """

    def __init__(self, neighbours: Neighbours, clock: Clock) -> None:
        self._neighbours = neighbours
        self._clock = clock
        self._looked: dict[str, int] = {}
        """Versions of projects at the last look."""
        self.counts: dict[str, int] = {}
        """Contradictions by project, at the last look."""

    def find(
        self, project: str, days: float = RECENT_DAYS, limit: int = 50, labels: Labels = None
    ) -> list[Contradiction]:
        """Return the contradictions of documents of the last days, the newest first.

        Raises:
            ProjectUnknown: There is none of that name.
        """
        since = self._clock.now() - timedelta(days=days)
        found: list[Contradiction] = []
        for pair in self._neighbours.pairs(project, since, MAX_PASSAGES, labels):
            for conflict in _conflicts(pair):
                if conflict not in found:
                    found.append(conflict)
                if len(found) >= limit:
                    return found
        return found

    def look(self, projects: Iterable[str]) -> None:
        """Count the contradictions of the projects that changed since the last look."""
        named = set(projects)
        for project in sorted(named):
            version = self._neighbours.version(project)
            if self._looked.get(project) != version:
                self.counts[project] = len(self.find(project, limit=1000))
                self._looked[project] = version
        for gone in set(self.counts) - named:
            del self.counts[gone]
            self._looked.pop(gone, None)


def contradiction_signal(finder: ContradictionFinder) -> Signal:
    """Return the signal with a sample for each project that documents came into lately."""
    return Signal(
        "answers.contradictions",
        "statements",
        "Statements of the last 7 days that conflict with older documents, at the last look.",
        lambda: [Sample(float(n), {"project": name}) for name, n in finder.counts.items()],
        labels=("project",),
    )


def conflict(new: str, old: str) -> str:
    """Return how two statements conflict, ``figure`` or ``negation``; empty if they do not."""
    if new == old:
        return ""
    if _ROW.fullmatch(new) or _ROW.fullmatch(old):
        return "figure" if _rows_conflict(new, old) else ""
    if not _same_subject(new, old):
        return ""
    if _figures_conflict(new, old):
        return "figure"
    negated = contradicts(new, [old]) and contradicts(old, [new])
    return "negation" if negated else ""


def _conflicts(pair: PassagePair) -> Iterator[Contradiction]:
    older = _statements(pair.old.text)
    for new in _statements(pair.new.text):
        for old in older:
            if kind := conflict(new, old):
                yield Contradiction(kind, _shown(pair.new, new), _shown(pair.old, old))


def _shown(passage: DatedPassage, statement: str) -> DatedPassage:
    """Return the passage with the statement as its text."""
    cut = len(statement) > _MAX_SHOWN
    text = f"{statement[:_MAX_SHOWN].rstrip()} ..." if cut else statement
    return replace(passage, text=text)


def _statements(text: str) -> list[str]:
    found = (" ".join(part.text.split()) for part in sentences(text))
    return [text for text in found if not text.endswith(("?", "\uff1f"))][:_MAX_SENTENCES]


def _same_subject(new: str, old: str) -> bool:
    """Return whether nearly all content words are the same, and every name is."""
    ours, theirs = _content(new), _content(old)
    shorter, longer = sorted((ours, theirs), key=len)
    shared = len(ours & theirs)
    if shared < _FEWEST_WORDS or shared < _SHARED * len(shorter):
        return False
    if shared < _SHARED_OF_LONGER * len(longer):
        return False
    return _names(new) == _names(old)


def _content(text: str) -> set[str]:
    return {
        stem(word) for word in words(text) if word not in STOP_WORDS and not _DIGIT.search(word)
    }


def _names(text: str) -> set[str]:
    return {name.casefold() for name in _NAME.findall(text)}


def _figures_conflict(new: str, old: str) -> bool:
    """Return whether each has a figure that the other has not."""
    ours, theirs = set(unsupported(new, old)), set(unsupported(old, new))
    other_day = "date" in ours or set(_YEAR.findall(new)) != set(_YEAR.findall(old))
    if other_day and ("number" in ours) and len(_figures(new)) > 1:
        return False  # Another figure at another time.
    return bool(ours & theirs & {"date", "number"})


def _figures(text: str) -> list[str]:
    return re.findall(r"\d[\d.,]*", text)


def _rows_conflict(new: str, old: str) -> bool:
    """Return whether rows of the same first field differ in a figure of another field."""
    ours, theirs = _fields(new), _fields(old)
    if len(ours) < 2 or len(theirs) < 2 or ours[0] != theirs[0]:
        return False
    known = dict(theirs[1:])
    return any(
        name in known and value != known[name] and _figures_conflict(value, known[name])
        for name, value in ours[1:]
    )


def _fields(row: str) -> list[tuple[str, str]]:
    parts = (part.partition(": ") for part in row.split("; "))
    return [(name.casefold(), value.casefold()) for name, separator, value in parts if separator]
