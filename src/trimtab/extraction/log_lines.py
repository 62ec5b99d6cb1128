"""Renders log files as text: each entry a row of ``time: ...; level: ...; message: ...``."""

import re
from collections.abc import Iterator

from trimtab.extraction.json_rows import json_object, render_record

_SAMPLE = 200
_RECOGNISED = 0.5
"""Share of the first lines that must be entries; below it the file is not a log."""
_LONGEST_LINE = 20_000
"""Characters; a longer line is not looked into."""

_CLOCK = r"\d{2}:\d{2}(?::\d{2})?(?:[.,]\d{1,9})?"
_TIME = re.compile(
    rf"[\[(]?(?P<time>\d{{4}}[-/]\d{{2}}[-/]\d{{2}}[T ]{_CLOCK}(?:\s?(?:Z|UTC|[+-]\d{{2}}:?\d{{2}}))?"
    rf"|[A-Z][a-z]{{2}} [ \d]\d (?:\d{{4}} )?{_CLOCK}"
    rf"|[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ \d]\d {_CLOCK}(?: \d{{4}})?)[\])]?[:,]?\s+"
)
_LEVELS = (
    "TRACE|DEBUG|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|ERR|CRITICAL|CRIT|FATAL|ALERT|EMERG"
)
_LEVEL = re.compile(rf"[\[(<|]?\s?(?P<level>{_LEVELS})\s?[\])>|]?:?(?:\s+-\s+|\s+)", re.IGNORECASE)
_PROGRAM = re.compile(r"(?:(?P<host>[\w.-]{1,80}) )?(?P<program>[\w./@-]{1,80})(?:\[\d{1,10}\])?: ")
_ACCESS = re.compile(
    r"(?P<client>[\w.:-]{1,80}) \S{1,80} (?P<user>\S{1,80}) \[(?P<time>[^\]\n]{10,40})\] "
    r'"(?P<request>[^"\n]{0,4000})" (?P<status>\d{3}) (?P<bytes>\d{1,15}|-)'
    r'(?: "(?P<referrer>[^"\n]{0,4000})" "(?P<agent>[^"\n]{0,2000})")?\s*'
)
_PAIR = re.compile(
    r'(?P<name>[A-Za-z_][\w.-]{0,80})=(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<value>\S*+))(?:\s+|$)'
)


def render_log(text: str) -> str:
    """Return the entries as paragraphs; lines that continue an entry follow it as they are.

    A text of which most lines are not entries is returned as it is.
    """
    sample = [line for line in text[: _SAMPLE * 500].splitlines() if line.strip()][:_SAMPLE]
    entries = sum(_entry(line) is not None for line in sample)
    if not sample or entries < _RECOGNISED * len(sample):
        return text
    return "\n\n".join(_paragraphs(text))


def _paragraphs(text: str) -> Iterator[str]:
    more: list[str] = []
    for line in text.splitlines():
        row = _entry(line)
        if row is None:
            more += [line] if line.strip() else []
            continue
        if more:
            yield "\n".join(more)
            more = []
        yield row
    if more:
        yield "\n".join(more)


def _entry(line: str) -> str | None:
    """Return the row of one line, or None for a line that begins no entry."""
    line = line.strip() if line[:1] not in " \t" else line.rstrip()
    if len(line) > _LONGEST_LINE:
        return None
    if (found := json_object(line)) is not None:
        return render_record(found) or None
    if access := _ACCESS.fullmatch(line):
        shown = {
            name: value
            for name, value in access.groupdict().items()
            if value not in (None, "-", "")
        }
        return _row(shown)
    if time := _TIME.match(line):
        return _timed(time["time"], line[time.end() :])
    return _pairs(line)


def _timed(time: str, rest: str) -> str:
    fields = {"time": time}
    for pattern in (_LEVEL, _PROGRAM, _LEVEL):
        found = pattern.match(rest)
        if found and not set(found.groupdict()) & set(fields):
            fields |= {name: value for name, value in found.groupdict().items() if value}
            rest = rest[found.end() :]
    message = " ".join(rest.split())
    return _row(fields | ({"message": message} if message else {}))


def _pairs(line: str) -> str | None:
    """Return the row of a line of ``name=value`` pairs."""
    fields: dict[str, str] = {}
    at = 0
    while at < len(line):
        pair = _PAIR.match(line, at)
        if pair is None:
            return None
        value = pair["value"] if pair["quoted"] is None else pair["quoted"].replace('\\"', '"')
        if value:
            fields[pair["name"]] = " ".join(value.split())
        at = pair.end()
    return _row(fields) if len(fields) > 1 else None


def _row(fields: dict[str, str]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in fields.items())
