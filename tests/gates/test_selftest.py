"""The self-test: each corruption is caught, sound evidence passes, and a gate that sleeps is found out."""

import pytest

from trimtab.gates import datasets
from trimtab.gates.codes import CODES
from trimtab.gates.records import GateResult, GateState
from trimtab.gates.selftest import run as module
from trimtab.gates.selftest.corruption import Corruption
from trimtab.gates.selftest.run import ALL, run_selftest

GATES = sorted({corruption.gate for corruption in ALL})
# Raised with a severity below what the self-test counts, or only where git or no policy is involved.
NOT_BY_CORRUPTION = {
    "schema.old_version",
    "supply_chain.licence_unknown",
    "gates.no_evidence",
    "gates.not_judged",
    "gates.gate_failed",
    "gates.verdict_stale",
    "drift.no_baseline",
}


@pytest.mark.parametrize("gate", GATES)
def test_every_corruption_is_killed(gate):
    outcome = run_selftest(gates=[gate])
    assert (outcome.survivors(), outcome.sound) == ((), True)


def test_there_are_at_least_120_corruptions_each_with_its_own_name():
    names = {(corruption.gate, corruption.name) for corruption in ALL}
    assert len(names) == len(ALL) >= 120


def test_every_code_of_a_finding_is_the_aim_of_a_corruption():
    aimed = {code for corruption in ALL for code in corruption.expect}
    assert set(CODES) - aimed <= NOT_BY_CORRUPTION


def test_a_change_that_breaks_nothing_survives():
    harmless = Corruption("datasets", "nothing", lambda _: None, ("datasets.checksum_mismatch",))
    outcome = run_selftest(corruptions=[harmless])
    assert (outcome.killed, outcome.survived, outcome.sound) == (0, 1, False)


def test_a_gate_that_finds_nothing_is_found_out(monkeypatch):
    asleep = GateResult("datasets", GateState.RAN)
    monkeypatch.setitem(module._CHECKS, "datasets", lambda _: asleep)
    assert run_selftest(gates=["datasets"]).killed == 0


def test_a_gate_that_blocks_everything_is_found_out(monkeypatch):
    found = tuple(
        datasets.finding(code, "x", "x") for code in CODES if code.startswith("datasets.")
    )
    monkeypatch.setitem(
        module._CHECKS, "datasets", lambda _: GateResult("datasets", GateState.RAN, found)
    )
    outcome = run_selftest(gates=["datasets"])
    assert outcome.false_alarms
    assert not outcome.sound


def test_a_selftest_of_nothing_is_not_sound():
    assert not run_selftest(corruptions=[]).sound
