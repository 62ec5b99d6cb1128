"""Pytest plugin of a mutant's run: generated inputs are the same for each mutant, and fewer."""

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


class FirstFailure:
    """Writes the name of the first test that failed.

    Args:
        output: The file to write it to.
    """

    def __init__(self, output: Path) -> None:
        self._output = output

    def pytest_runtest_logreport(self, report):
        if report.failed and not self._output.exists():
            self._output.write_text(report.nodeid)
