"""Pytest plugin of a mutant's run: generated inputs are the same for each mutant, and fewer."""

import json
from pathlib import Path

from hypothesis import HealthCheck, settings


def pytest_collection_finish():
    settings.register_profile(
        "mutation",
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=30,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutation")


class Failures:
    """Writes the names of the tests that failed or were skipped."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report):
        if report.failed or report.skipped:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self):
        self._output.write_text(json.dumps(sorted(self._failed)))
