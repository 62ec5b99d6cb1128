"""Proof of reproducibility: run the benchmark again and compare the results."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from trimtab.gates.errors import EvidenceUnreadable
from trimtab.gates.schema import check_report
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import sha256_hex

REPORT_VARIABLE = "BENCHMARK_REPORT"
"""The benchmark writes its report to the path in this environment variable (``{report}`` in the
command also works).
"""
_TIMES = {"duration_s", "durations_s", "throughput", "peak_memory_mb", "log", "extra"}
"""Fields that may differ between two correct runs."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Record of the second run, the content of ``reproducibility.json``."""

    report_sha256: str
    first: str
    """Digest of the report's results without times."""
    second: str
    """The same of the second run."""
    command: str
    environment: Mapping[str, str]
    at: str

    @property
    def same(self) -> bool:
        """Return whether both runs gave the same results."""
        return self.first == self.second

    def as_json(self) -> bytes:
        """Return the JSON bytes of the proof file."""
        return orjson.dumps({**asdict(self), "same": self.same}, option=orjson.OPT_INDENT_2)


def results_digest(report: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a report's results.

    Results are sorted by name; times and free data are excluded.
    """
    kept = [
        {key: value for key, value in result.items() if key not in _TIMES}
        for result in report["results"]
    ]
    kept.sort(key=lambda result: str(result["name"]))
    return sha256_hex(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS))


def prove(raw: bytes, command: Sequence[str], *, clock: Clock, timeout_s: float) -> Proof:
    """Run the benchmark again in the recorded environment and compare.

    Args:
        raw: The report of the first run.
        command: Program and arguments; never given to a shell.
        clock: Source of the proof's timestamp.
        timeout_s: Time limit of the second run, in seconds.

    Raises:
        EvidenceUnreadable: A report is unusable, or the command failed or took too long.
    """
    first = _usable(raw, "the report")
    environment = {str(k): str(v) for k, v in first.get("environment", {}).items()}
    with tempfile.TemporaryDirectory(prefix="trimtab-proof-") as folder:
        target = Path(folder) / "benchmark_report.json"
        _run(
            [part.replace("{report}", str(target)) for part in command],
            environment,
            target,
            timeout_s,
        )
        second = _usable(target.read_bytes(), "the second run's report")
    return Proof(
        report_sha256=sha256_hex(raw),
        first=results_digest(first),
        second=results_digest(second),
        command=shlex.join(command),
        environment=environment,
        at=clock.now().isoformat(timespec="seconds").replace("+00:00", "Z"),
    )


def _usable(raw: bytes, what: str) -> Mapping[str, Any]:
    checked = check_report(raw)
    if checked.report is None:
        raise EvidenceUnreadable(f"{what} is unusable: {checked.findings[0].message}")
    return checked.report


def _run(
    command: Sequence[str], environment: Mapping[str, str], target: Path, timeout_s: float
) -> None:
    # The second run needs the machine's PATH and similar; recorded variables take precedence.
    # The environment is passed to a child process, no setting is read.
    everything = {**os.environ, **environment, REPORT_VARIABLE: str(target)}  # noqa: TID251
    try:
        done = subprocess.run(  # noqa: S603 - the command is the user's own, without a shell.
            list(command), env=everything, timeout=timeout_s, capture_output=True, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EvidenceUnreadable(f"The second run failed: {error}") from error
    if done.returncode != 0 or not target.is_file():
        tail = done.stderr.decode(errors="replace").strip()[-300:]
        raise EvidenceUnreadable(
            f"The second run ended with code {done.returncode} and wrote no report: {tail}",
            hint=f"The command must write its report to ${REPORT_VARIABLE}.",
        )
