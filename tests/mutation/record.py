"""Pytest plugin: writes which lines each test runs, which data files it opens, how long it takes and its features.

Lines are left out for a domain without Python: its mutants are chosen by the files that tests open. How long a test
takes is the processor time of its process and of the children that it waited for: what else runs on the machine does
not count.
"""

import json
import os
import sys
from pathlib import Path

import coverage
import pytest

OUTPUT, LINES = "MUTATION_RECORD", "MUTATION_RECORD_LINES"
DATA = (".yml", ".yaml", ".md", ".toml", ".json")


def named(path: str, root: Path) -> str:
    """Return a file's name below the root, the same one by whatever folders it was opened."""
    return os.path.relpath(path, root)


class Recorder:
    """Switches coverage's context at each test, and listens to files that are opened."""

    def __init__(self, output: Path, *, lines: bool) -> None:
        self._output, self._root = output, Path.cwd()
        self._coverage = coverage.Coverage(
            data_file=str(output.with_suffix(".coverage")),
            source=["src/trimtab"],
            config_file=False,
        )
        self._lines = lines
        self._tests: dict[str, dict] = {}
        self._current = self._collecting = ""
        self._code = 3
        self._collected: dict[str, set[str]] = {}
        if lines:
            self._coverage.start()
        sys.addaudithook(self._opened)

    def _opened(self, event: str, arguments: tuple) -> None:
        if event != "open" or not isinstance(arguments[0], str | os.PathLike):
            return
        path = os.fspath(arguments[0])
        if isinstance(path, str) and path.endswith(DATA) and path.startswith(str(self._root)):
            name = named(path, self._root)
            if self._current:
                self._tests[self._current]["opened"].add(name)
            else:
                self._collected.setdefault(self._collecting, set()).add(name)

    def pytest_collectstart(self, collector):
        self._collecting = collector.nodeid.partition("::")[0]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        features = sorted({f for mark in item.iter_markers("feature") for f in mark.args})
        self._tests[item.nodeid] = {
            "seconds": 0.0, "passed": True, "features": features, "opened": set(),
        }  # fmt: skip
        self._current = item.nodeid
        if self._lines:
            self._coverage.switch_context(item.nodeid)
        begun = sum(os.times()[:4])
        try:
            return (yield)
        finally:
            self._tests[item.nodeid]["seconds"] = round(sum(os.times()[:4]) - begun, 3)
            self._current = ""

    def pytest_runtest_logreport(self, report):
        test = self._tests[report.nodeid]
        test["passed"] = test["passed"] and report.outcome == "passed"

    def pytest_sessionfinish(self, exitstatus):
        self._code = int(exitstatus)
        lines = self._measured() if self._lines else {}
        for name, test in self._tests.items():
            test["opened"] |= self._collected.get(name.partition("::")[0], set())
            test["opened"] = sorted(test["opened"])
        self._output.write_text(json.dumps({"tests": self._tests, "lines": lines}))

    def _measured(self) -> dict[str, dict[int, list[str]]]:
        self._coverage.stop()
        data = self._coverage.get_data()
        return {
            os.path.relpath(file, self._root): {
                line: [name for name in names if name]
                for line, names in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
            if file.endswith(".py")  # Templates are measured, too.
        }

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self):
        # Threads that a test left waiting must not keep the recording from ending.
        sys.stdout.flush()
        os._exit(self._code)


def pytest_configure(config):
    if os.environ.get(OUTPUT):  # noqa: TID251 - the campaign tells its own plugin where to write.
        recorder = Recorder(Path(os.environ[OUTPUT]), lines=LINES in os.environ)  # noqa: TID251
        config.pluginmanager.register(recorder, "recorder")
