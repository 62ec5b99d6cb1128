"""The `miso` package of a scaffolded project: validators that print findings and exit.

The runbook calls them with `python -c` and reads their output and exit code, so a finding must show
in both. Programs use `trimtab.cli.compat.runbook_names`, whose validators return their findings.
"""

import functools
import sys
from collections.abc import Callable, Mapping
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

    validate_benchmark_report_file = _exits("schema")(
        words.SchemaValidator.validate_benchmark_report_file
    )


class _DatasetValidator(words.DatasetValidator):
    """Validates the datasets under ``datasets/``."""

    validate_checksums = _exits("checksums")(words.DatasetValidator.validate_checksums)
    validate_sample_counts = _exits("sample counts")(words.DatasetValidator.validate_sample_counts)


class _DriftDetector(words.DriftDetector):
    """Compares reports, or tables of data, with what they were."""

    analyze = _exits("drift")(words.DriftDetector.analyze)
    analyze_data = _exits("data drift")(words.DriftDetector.analyze_data)


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
