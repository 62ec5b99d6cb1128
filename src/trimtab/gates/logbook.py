"""Logs of the gates, and log searches without grep and jq.

Each verdict adds lines to ``logs/gates.log`` (for people) and one object to ``logs/gates.jsonl``
(for programs).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from trimtab.gates.benchmark.stream import structured_lines
from trimtab.gates.case import Project
from trimtab.gates.records import GateVerdict, Severity
from trimtab.gates.verdict import document, headline

ERRORS = re.compile(r"error|fail|critical", re.IGNORECASE)
SCHEMA_FAILURES = re.compile(
    r"schema(?:(?!schema|fail).)*+fail|validation(?:(?!validation|error).)*+error"
)
SCHEMA = re.compile(r"schema")
PERFORMANCE = re.compile(r"duration_s|throughput")
LAST, FIRST = 20, 10
"""How many lines the runbook's ``tail -20`` and ``head -10`` show."""
_LEVELS = {Severity.CRITICAL: "ERROR", Severity.WARNING: "WARNING", Severity.LOW: "INFO"}


@dataclass(frozen=True, slots=True)
class LogMatch:
    """A log line that matches a search."""

    file: str
    line: int
    text: str


def write(
    project: Project, verdict: GateVerdict, results: tuple[dict[str, object], ...] = ()
) -> None:
    """Append a verdict to the logs.

    Args:
        project: Project of the logs; the folder is created if missing.
        verdict: The verdict.
        results: The report's results, for the performance lines.
    """
    project.logs.mkdir(parents=True, exist_ok=True)
    with (project.logs / "gates.log").open("a", encoding="utf-8") as stream:
        stream.writelines(f"{verdict.at} {line}\n" for line in _lines(verdict, results))
    with (project.logs / "gates.jsonl").open("ab") as stream:
        stream.write(orjson.dumps(document(verdict)) + b"\n")


def _lines(verdict: GateVerdict, results: tuple[dict[str, object], ...]) -> Iterator[str]:
    yield (
        f"INFO verdict {verdict.outcome.value} for {verdict.subject} under policy {verdict.policy}"
    )
    for result in verdict.results:
        if headline(result):
            yield f"ERROR {result.gate} gate failed: {headline(result)}"
        for found in result.findings:
            text = f"{found.path} {found.message}".replace("\n", " ")
            yield f"{_LEVELS[found.severity]} {result.gate} validation error {found.code} {text}"
    for entry in results:
        yield (
            f"INFO {entry['name']} duration_s={entry['duration_s']}"
            f" throughput={entry.get('throughput', '')}"
        )


def search(
    project: Project, pattern: re.Pattern[str], *, last: int | None = None
) -> tuple[LogMatch, ...]:
    """Return the matching lines of ``logs/*.log``, files sorted by name.

    Args:
        project: Project of the logs.
        pattern: Searched in each line.
        last: Return at most this number of lines, from the end.
    """
    matches = [
        LogMatch(path.name, number, line)
        for path in sorted(project.logs.glob("*.log"))
        for number, line in enumerate(_text_lines(path), start=1)
        if pattern.search(line)
    ]
    return tuple(matches[-last:] if last else matches)


def _text_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            yield line.rstrip("\n")


def structured(project: Project, *, first: int = FIRST) -> Iterator[tuple[str, object]]:
    """Yield the first records of each ``logs/*.jsonl``, with the file name.

    Raises:
        ValueError: A line is not JSON.
    """
    for path in sorted(project.logs.glob("*.jsonl")):
        for record in structured_lines(path, first):
            yield path.name, record
