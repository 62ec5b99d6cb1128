"""Which features of the contract are proven: those with a passing test that is marked with their number.

``make contract`` runs the marked tests with ``--contract`` and prints proven and not proven for each system.
"""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

FEATURES = Path(__file__).parent / "features.tsv"


def load_features() -> dict[str, dict[str, str]]:
    """Return every feature of the contract by its number."""
    with FEATURES.open(encoding="utf-8", newline="") as file:
        return {
            row["feature"]: row
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        }


def pytest_addoption(parser):
    parser.addoption(
        "--contract", action="store_true", help="print the features proven, per system"
    )
    parser.addoption(
        "--contract-missing", action="store_true", help="list the features not proven, too"
    )


def pytest_collection_modifyitems(items):
    known = load_features()
    for item in items:
        for mark in item.iter_markers("feature"):
            unknown = set(mark.args) - set(known)
            if unknown or not mark.args:
                raise pytest.UsageError(
                    f"{item.nodeid} is marked with no such feature: {unknown or 'nothing'}"
                )
            item.user_properties.append(("features", mark.args))


class Outcomes:
    """Collects, at the controlling process, which marked tests passed and failed."""

    def __init__(self) -> None:
        self.passed: defaultdict[str, set[str]] = defaultdict(set)
        self.failed: defaultdict[str, set[str]] = defaultdict(set)

    def pytest_runtest_logreport(self, report):
        for name, features in report.user_properties:
            if name != "features":
                continue
            for feature in features:
                if report.failed:
                    self.failed[feature].add(report.nodeid)
                elif report.passed and report.when == "call":
                    self.passed[feature].add(report.nodeid)

    def proven(self) -> set[str]:
        return set(self.passed) - set(self.failed)


def pytest_configure(config):
    if config.getoption("--contract", default=False) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Outcomes(), "contract-outcomes")


def pytest_terminal_summary(terminalreporter, config):
    outcomes = config.pluginmanager.get_plugin("contract-outcomes")
    if outcomes is None:
        return
    features, proven = load_features(), outcomes.proven()
    terminalreporter.section("contract: features proven by passing tests")
    for system in dict.fromkeys(row["system"] for row in features.values()):
        numbers = [number for number, row in features.items() if row["system"] == system]
        done = [number for number in numbers if number in proven]
        terminalreporter.write_line(
            f"{system:5} proven {len(done):3} of {len(numbers)}, not proven {len(numbers) - len(done)}"
        )
    terminalreporter.write_line(f"total proven {len(proven)} of {len(features)}")
    if config.getoption("--contract-missing"):
        for number, row in features.items():
            if number not in proven:
                terminalreporter.write_line(
                    f"  {number} {row['system']} | {row['section']} | {row['text']}"
                )
