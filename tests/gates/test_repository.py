"""trimtab goes through its own gates."""

from pathlib import Path

import orjson
import pytest

from trimtab.gates import repository
from trimtab.gates.repository import judge_repository, write_selftest_report
from trimtab.gates.selftest.run import CorruptionResult, SelfTestResult
from trimtab.gates.selftest.sample_project import StepClock, add_package
from trimtab.gates.supply_chain import Installed

ROOT = Path(__file__).parents[2]
RELEASE = ("schema", "benchmark", "plausibility")


def _selftest(monkeypatch, killed, survived):
    results = [
        CorruptionResult("schema", f"case {i}", i < killed, "") for i in range(killed + survived)
    ]
    monkeypatch.setattr(repository, "run_selftest", lambda **_: SelfTestResult(tuple(results), ()))


def test_a_self_test_that_kills_everything_passes_as_a_benchmark(monkeypatch):
    _selftest(monkeypatch, 300, 0)
    verdict = judge_repository(ROOT, StepClock(), only=RELEASE)
    assert (verdict.outcome, verdict.findings) == ("pass", ())


def test_the_self_test_is_reported_and_logged_under_its_name(monkeypatch, tmp_path):
    _selftest(monkeypatch, 2, 0)
    report = orjson.loads(write_selftest_report(tmp_path, StepClock()).read_bytes())
    assert [result["name"] for result in report["results"]] == ["gates-selftest"]
    assert {path.name.partition(".")[0] for path in (tmp_path / "logs").iterdir()} == {
        "gates-selftest"
    }


def test_one_survivor_blocks_the_release(monkeypatch):
    _selftest(monkeypatch, 299, 1)
    verdict = judge_repository(ROOT, StepClock(), only=RELEASE)
    assert verdict.outcome == "block"
    assert "benchmark.error_status" in {found.code for found in verdict.findings}


def test_the_manual_has_no_dead_link_or_unknown_make_target():
    verdict = judge_repository(ROOT, StepClock(), only=("docs",))
    bad = (
        "docs.link_dead",
        "docs.anchor_dead",
        "docs.command_unknown",
        "docs.migration_guide_missing",
    )
    assert [(f.path, f.message) for f in verdict.findings if f.code in bad] == []


def test_the_supply_chain_holds_what_is_needed_and_no_more(tmp_path):
    add_package(
        tmp_path,
        "mine",
        "1.0",
        requires=("near", "absent; python_version < '3'", "not readable ==="),
    )
    add_package(tmp_path, "near", "1.0", requires=("far", "mine"))
    add_package(tmp_path, "far", "1.0")
    add_package(tmp_path, "other", "1.0")
    installed = Installed([tmp_path])
    assert [package.name for package in installed.needed_by("Mine").packages] == [
        "far",
        "mine",
        "near",
    ]
    assert installed.needed_by("nothing").packages == ()


@pytest.mark.timeout(300)
def test_the_packages_of_this_environment_are_as_their_records_say(monkeypatch):
    _selftest(monkeypatch, 300, 0)
    verdict = judge_repository(ROOT, StepClock(), only=("supply_chain",))
    assert verdict.outcome != "block", [found.message for found in verdict.findings]
