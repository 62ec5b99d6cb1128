"""Mutants of rules, ladders and runbook pages: thresholds, windows, comparisons, names and severities."""

import re
from collections.abc import Iterator
from dataclasses import replace

from tests.mutation.mutant import Mutant
from tests.mutation.numbers import moved

_TOKEN = re.compile(
    r"""(?P<skip>"[^"\n]*"|\{[^}\n]*\}|`[^`\n]*`)
    |(?P<window>\[(?P<amount>\d+)(?P<unit>[smhd])(?::[^\]]*)?\])
    |(?P<comparison>>=|<=|==|!=|(?<![<>=!-])>(?!=)|(?<![<>=!])<(?!=))
    |(?P<number>(?<![\w.$%-])\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.%]))""",
    re.VERBOSE,
)
_OTHER = {">": ">=", ">=": ">", "<": "<=", "<=": "<", "==": "!=", "!=": "=="}
_HIGHER = {"<": True, "<=": False, ">": False, ">=": True}
"""Whether a higher threshold, or a lower one, differs wherever the changed comparison does."""
_NAME = re.compile(r"^\s*(?:- )?(?:alert|record|id|name): *(?P<value>[\w.-]+)", re.MULTILINE)
_SEVERITY = re.compile(r"^\s*severity: *(?P<value>P\d)", re.MULTILINE)
_DURATION = re.compile(
    r"(?:^\s*(?:for|keep_firing_for|after): *|--(?:for|give-up) )(?P<value>(?P<amount>\d+)(?P<unit>[smhd]))",
    re.MULTILINE,
)
_EXPRESSION = re.compile(r"^(?P<indent> *)(?:- )?expr: *(?P<first>.*)$", re.MULTILINE)
_CHECK = re.compile(r"""trimtab check '(?P<expression>[^']+)'""")
HEADING = re.compile(r"^(?:\s*- alert: *|## )(?P<name>.+)$", re.MULTILINE)


class DataMutants:
    """Finds the mutants of a rules file or a page."""

    def __init__(self, file: str, content: bytes) -> None:
        self._file, self._text = file, content.decode()
        self._lines = self._text.splitlines()
        self._headings = [
            (h.start("name"), h["name"].strip()) for h in HEADING.finditer(self._text)
        ]

    def all(self) -> list[Mutant]:
        """Return every mutant in the order of the file."""
        found = [*self._durations(), *self._named()]
        for start, end in self._expressions():
            found += self._expression(start, end)
        return sorted(found, key=lambda mutant: (mutant.start, mutant.change))

    def _expressions(self) -> Iterator[tuple[int, int]]:
        for found in _CHECK.finditer(self._text):
            yield found.span("expression")
        for found in _EXPRESSION.finditer(self._text):
            start, end = found.span("first")
            if found["first"].strip() in {"|", ">", "|-", ">-", ""}:
                start = end + 1
                inner = re.compile(rf"(?: {{{len(found['indent']) + 1},}}.*\n|\s*\n)*")
                block = inner.match(self._text, start)
                end = block.end() if block else end
                lines = self._text[start:end].splitlines(keepends=True)
                keys = (i for i, line in enumerate(lines) if re.match(r"\s*[\w-]+:(\s|$)", line))
                first = next(keys, len(lines))
                end = start + len("".join(lines[:first]))
            yield start, end

    def _expression(self, start: int, end: int) -> Iterator[Mutant]:
        last: re.Match[str] | None = None
        for found in _TOKEN.finditer(self._text, start, end):
            before, last = last, found
            if found["window"]:
                yield self._window(found, found.start("amount"), found.end("unit"))
            elif found["comparison"]:
                new = _OTHER[found["comparison"]]
                yield self._make(*found.span(), new, "comparison")
            elif found["number"]:
                text = found["number"]
                value = int(text) if text.isdigit() else float(text)
                for new in moved(value):
                    made = self._make(*found.span(), new, "threshold")
                    yield replace(
                        made, implied=self._implied(before, found, higher=float(new) > value)
                    )

    def _implied(
        self, before: re.Match[str] | None, number: re.Match[str], *, higher: bool
    ) -> tuple[str, int] | None:
        """Return the comparison before a number when who notices its change notices the moved number, too."""
        if before is None or before["comparison"] not in _HIGHER:
            return None
        between = self._text[before.end() : number.start()]
        factor = self._text[number.end() :].lstrip()[:1] in {"*", "/", "%", "^"}
        if factor or between.strip() or _HIGHER[before["comparison"]] is not higher:
            return None
        return ("comparison", len(self._text[: before.start()].encode()))

    def _window(self, found: re.Match[str], start: int, end: int) -> Mutant:
        half = max(1, int(found["amount"]) // 2)
        unit = found["unit"] if half != int(found["amount"]) else "s"
        return self._make(start, end, f"{half}{unit}", "window")

    def _durations(self) -> Iterator[Mutant]:
        for found in _DURATION.finditer(self._text):
            if found["amount"] != "0":
                yield self._window(found, *found.span("value"))

    def _named(self) -> Iterator[Mutant]:
        for found in _NAME.finditer(self._text):
            yield self._make(*found.span("value"), found["value"] + "Renamed", "name")
        for found in _SEVERITY.finditer(self._text):
            other = {"P0": "P1", "P1": "P2", "P2": "P3", "P3": "P2"}.get(found["value"], "P3")
            yield self._make(*found.span("value"), other, "severity")

    def _make(self, start: int, end: int, text: str, kind: str) -> Mutant:
        before = self._text[:start]
        line = before.count("\n") + 1
        end_of_line = len(before) + len(self._text[start:].split("\n", 1)[0])
        above = [name for place, name in self._headings if place < end_of_line]
        scope = above[-1] if above else ""
        return Mutant(
            file=self._file,
            line=line,
            start=len(before.encode()),
            end=len(self._text[:end].encode()),
            text=text,
            kind=kind,
            change=f"{self._text[start:end]} -> {text}",
            scope=scope,
            source=self._lines[line - 1].strip(),
            name=scope,
        )
