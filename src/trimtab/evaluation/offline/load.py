"""Load test: concurrent questions, compared with a baseline of the same machine."""

import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from trimtab.evaluation.errors import BadQuestionSet
from trimtab.evaluation.statistics import quantile
from trimtab.kernel.clock import Clock

REGRESSION = 0.20
"""A p95 that grew by more than this share is flagged (the contract's number)."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Measurements of a run; milliseconds as the caller sees them."""

    queries: int
    concurrency: int
    errors: Mapping[str, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float
    per_second: float
    baseline_p95_ms: float | None = None

    @property
    def p95_change(self) -> float | None:
        """Return the p95's growth over the baseline's as a share; None without a baseline."""
        if not self.baseline_p95_ms:
            return None
        return self.p95_ms / self.baseline_p95_ms - 1

    @property
    def passed(self) -> bool:
        """Return whether there was no error and no regression over 20 %."""
        change = self.p95_change
        return not self.errors and (change is None or change <= REGRESSION)

    def as_dict(self) -> dict[str, object]:
        """Return it, JSON-ready."""
        return {**asdict(self), "p95_change": self.p95_change, "passed": self.passed}

    def against(self, file: Path) -> "LoadReport":
        """Return it with the baseline of that file.

        Raises:
            BadQuestionSet: The file is not a baseline, or of another load.
        """
        try:
            row = json.loads(file.read_text(encoding="utf-8"))
            load, p95 = (row["queries"], row["concurrency"]), float(row["p95_ms"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadQuestionSet(
                f"{file} is not a load baseline: {error!r}.",
                hint="Write one with --write-baseline.",
            ) from error
        if load != (self.queries, self.concurrency):
            raise BadQuestionSet(
                f"{file} is of {load[0]} queries, {load[1]} at a time.",
                hint="Run the same load, or write a new baseline.",
            )
        return replace(self, baseline_p95_ms=p95)


def run_load(
    ask: Callable[[str], str], questions: Sequence[str], load: tuple[int, int], clock: Clock
) -> LoadReport:
    """Run a load test and return its report.

    Args:
        ask: Asks one question and returns an error code, empty for a good answer. Called from
            several threads.
        questions: Asked in turn.
        load: How many queries, and how many at a time.
        clock: Times them.
    """
    queries, concurrency = load
    took: list[float] = []
    errors: Counter[str] = Counter()
    lock = threading.Lock()

    def ask_one(question: str) -> None:
        began = clock.monotonic()
        code = ask(question)
        elapsed_ms = (clock.monotonic() - began) * 1000
        with lock:
            took.append(elapsed_ms)
            if code:
                errors[code] += 1

    began = clock.monotonic()
    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(ask_one, itertools.islice(itertools.cycle(questions), queries)))
    seconds = clock.monotonic() - began
    p50, p95, p99 = (round(quantile(took, share), 2) for share in (0.5, 0.95, 0.99))
    rate = round(queries / seconds, 2) if seconds else 0.0
    return LoadReport(queries, concurrency, dict(errors), p50, p95, p99, rate)
