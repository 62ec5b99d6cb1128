"""Reads and verifies a structured log in one pass, in constant memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from trimtab.gates.benchmark.idhash import IdHash
from trimtab.gates.benchmark.logger import CHAIN_START, chain
from trimtab.gates.codes import finding
from trimtab.gates.records import Finding

_CHAIN_MARK = b',"chain":"'
_CHAIN_LENGTH = len(_CHAIN_MARK) + 64 + len(b'"}')
MAX_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class LogSummary:
    """Counts and findings of a structured log."""

    samples: int
    predictions: int
    right: int
    samples_hash: str
    predictions_hash: str
    result: dict[str, Any] | None
    """The result line, if there is one."""
    findings: tuple[Finding, ...]
    lines: int


@dataclass(slots=True)
class _Reading:
    where: str
    chain: str = CHAIN_START
    sequence: int = 0
    latest: str = ""
    samples: IdHash = field(default_factory=IdHash)
    predictions: IdHash = field(default_factory=IdHash)
    right: int = 0
    result: dict[str, Any] | None = None
    started: bool = False
    ended: bool = False
    findings: list[Finding] = field(default_factory=list)

    def add_finding(self, code: str, line: int, detail: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding(code, f"{self.where}:{line}", detail))


def read_log(path: Path, where: str | None = None) -> LogSummary:
    """Return the counts and findings of a log, in constant memory.

    Args:
        path: A file that `BenchmarkLogger` wrote.
        where: File name in findings.
    """
    reading = _Reading(where or path.name)
    number = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            _read_line(reading, number, line)
    if not reading.ended:
        reading.add_finding("benchmark.log_broken", number, "the log ends without its run_end line")
    return LogSummary(
        samples=reading.samples.count,
        predictions=reading.predictions.count,
        right=reading.right,
        samples_hash=reading.samples.hexdigest(),
        predictions_hash=reading.predictions.hexdigest(),
        result=reading.result,
        findings=tuple(reading.findings),
        lines=number,
    )


def _read_line(reading: _Reading, number: int, line: bytes) -> None:
    text = line.rstrip(b"\n")
    body = text[:-_CHAIN_LENGTH] + b"}"
    if text[-_CHAIN_LENGTH:][: len(_CHAIN_MARK)] != _CHAIN_MARK:
        reading.add_finding("benchmark.log_broken", number, "the line is not whole")
        return
    try:
        record = orjson.loads(body)
    except orjson.JSONDecodeError:
        reading.add_finding("benchmark.log_broken", number, "the line is not JSON")
        return
    expected = chain(reading.chain, body)
    stated = text[-66:-2].decode("ascii", errors="replace")
    if stated != expected or record.get("seq") != reading.sequence:
        reading.add_finding(
            "benchmark.log_broken", number, "the line does not follow the one before"
        )
    # Continue from the stated chain value, so that one edited line gives one finding.
    sequence = record.get("seq", reading.sequence)
    reading.chain = stated
    reading.sequence = (sequence if type(sequence) is int else reading.sequence) + 1
    at = str(record.get("at", ""))
    if at < reading.latest:
        reading.add_finding("benchmark.clock_back", number, f"{at} comes after {reading.latest}")
    reading.latest = max(reading.latest, at)
    _count_event(reading, number, record)


def _count_event(reading: _Reading, number: int, record: dict[str, Any]) -> None:
    event = record.get("event")
    if reading.ended:
        reading.add_finding("benchmark.log_broken", number, "a line follows run_end")
    if event == "sample":
        reading.samples.add(str(record.get("id")))
    elif event == "prediction":
        reading.predictions.add(str(record.get("id")))
        reading.right += record.get("correct") is True
    elif event == "result":
        if reading.result is not None:
            reading.add_finding("benchmark.log_broken", number, "a second result")
        reading.result = record
    elif event == "run_end":
        reading.ended = True


def structured_lines(path: Path, limit: int) -> Iterator[dict[str, Any]]:
    """Yield the first records of a JSONL log.

    Raises:
        ValueError: A line is not JSON; the message has its number.
    """
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if number > limit:
                return
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise ValueError(f"{path.name}:{number}: {error.msg}") from error
