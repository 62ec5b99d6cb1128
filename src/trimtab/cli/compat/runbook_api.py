"""The `miso` package of a scaffolded project: validators that print findings and exit.

The runbook calls them with `python -c` and reads their output and exit code, so a finding must show
in both. Programs use `trimtab.cli.compat.runbook_names`, whose validators return their findings.
"""

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, ParamSpec

from trimtab.cli.compat import runbook_names as words
from trimtab.gates.benchmark.logger import BenchmarkLogger
from trimtab.gates.records import Finding, GateOutcome, outcome_of
from trimtab.gates.verdict import EXIT_CODES
from trimtab.kernel.errors import TrimtabError

__all__ = [
    "BenchmarkLogger",
    "DatasetValidator",
    "DriftDetector",
    "PlausibilityMonitor",
    "SchemaValidator",
]
_P = ParamSpec("_P")
_Findings = tuple[Finding, ...]


def _exits(gate: str) -> Callable[[Callable[_P, _Findings]], Callable[_P, _Findings]]:
    """Make a validator print its findings and exit non-zero when there is one that counts."""

    def decorate(validate: Callable[_P, _Findings]) -> Callable[_P, _Findings]:
        @functools.wraps(validate)
        def validate_and_exit(*args: _P.args, **kwargs: _P.kwargs) -> _Findings:
            try:
                found = validate(*args, **kwargs)
            except TrimtabError as error:
                _refuse(error.message, error.hint())
            for entry in found:
                _say(f"{entry.severity.value} {entry.code} {entry.path}: {entry.message}")
                _say(f"  fix: {entry.fix}")
            outcome = outcome_of(found)
            _say(f"{'✅' if outcome is GateOutcome.PASS else '❌'} {outcome.value} {gate}")
            if outcome is not GateOutcome.PASS:
                raise SystemExit(EXIT_CODES[outcome])
            return found

        return validate_and_exit

    return decorate


class _SchemaValidator(words.SchemaValidator):
    """Validates benchmark reports."""

    @_exits("schema")
    def validate_benchmark_report_file(self, path: str | Path) -> _Findings:
        """Print what is wrong with a report file; exit 1 if anything is."""
        return super().validate_benchmark_report_file(path)


class _DatasetValidator(words.DatasetValidator):
    """Validates the datasets under ``datasets/``."""

    @_exits("checksums")
    def validate_checksums(self) -> _Findings:
        """Print the differences between datasets and manifests; exit 1 if there are any."""
        return super().validate_checksums()

    @_exits("sample counts")
    def validate_sample_counts(self) -> _Findings:
        """Print each dataset that has too few samples; exit 1 if there is one."""
        return super().validate_sample_counts()


class _DriftDetector(words.DriftDetector):
    """Compares reports, or tables of data, with what they were."""

    @_exits("drift")
    def analyze(self, path: str | Path, metrics: Sequence[str] = ()) -> _Findings:
        """Print the drift of a report; exit 1 beyond tolerance, 3 for review or no baseline."""
        return super().analyze(path, metrics)

    @_exits("data drift")
    def analyze_data(self, reference: str | Path, current: str | Path) -> _Findings:
        """Print which columns of a table have drifted; exit 1 or 3 if one has."""
        return super().analyze_data(reference, current)


class _PlausibilityMonitor(words.PlausibilityMonitor):
    """Knows what is plausible for each benchmark."""

    def get_benchmark_windows(self, name: str, samples: int | None = None) -> Mapping[str, Any]:
        """Print and return the window of a benchmark; exit 1 when nothing is known about it."""
        try:
            window = super().get_benchmark_windows(name, samples)
        except KeyError:
            _refuse(
                f"Nothing is known about {name!r}.",
                "Add it to the policy: plausibility.windows.",
            )
        except TrimtabError as error:
            _refuse(error.message, error.hint())
        _say(f"{name}: {window['low']:.4f} to {window['high']:.4f}, {window['source']}")
        return window


SchemaValidator = _SchemaValidator
DatasetValidator = _DatasetValidator
DriftDetector = _DriftDetector
PlausibilityMonitor = _PlausibilityMonitor


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _refuse(message: str, hint: str) -> NoReturn:
    _say(f"❌ {message}")
    if hint:
        _say(f"  fix: {hint}")
    raise SystemExit(1)
