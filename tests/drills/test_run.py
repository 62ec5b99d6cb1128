"""Drills on the tank, in fake time."""

import itertools
from dataclasses import replace
from queue import Queue
from threading import Event

import pytest

from tests.drills.tank import Tank
from tests.incidents.operator import make_operator
from tests.incidents.world import PUMP, TAP
from trimtab.drills import DrillRunner
from trimtab.drills.errors import DrillRefused, DrillStopped
from trimtab.drills.result import DrillStage, DrillWait, Progress
from trimtab.drills.run import run_drill
from trimtab.incidents import State
from trimtab.kernel.operable import Realism
from trimtab.runbooks import Library


@pytest.fixture
def tank(tmp_path):
    return Tank(make_operator(tmp_path))


def test_a_passed_drill_proves_its_cause_and_leaves_the_service_as_it_was(tank):
    before = [tank.monitor.get(name) for name in ("tap", "pump", "level")]
    seen = []
    result = run_drill(tank, TAP, seen.append)
    assert result.passed, result
    stages = [said.stage for said in seen if isinstance(said, Progress)]
    assert stages == list(DrillStage)
    assert tank.proofs.proven(*tank.library.cause(TAP))
    assert [tank.monitor.get(name) for name in ("tap", "pump", "level")] == before


def test_all_causes_can_be_drilled_one_after_another(tank):
    results = [run_drill(tank, cause.id) for _, cause in tank.library.causes()]
    assert [(result.cause_id, result.passed) for result in results] == [(TAP, True), (PUMP, True)]


def test_a_fix_that_does_not_help_proves_nothing_and_the_fault_is_put_back(tank):
    tank.monitor.put(broken=["refill"])
    result = run_drill(tank, TAP)
    assert (result.passed, result.first_cause_right, result.repaired) == (False, True, False)
    assert result.restored
    assert tank.monitor.get("tap") == 0
    assert not tank.proofs.proven(*tank.library.cause(TAP))


def test_a_drill_does_not_begin_on_a_service_that_is_not_healthy(tank):
    tank.monitor.put(tap=1)
    with pytest.raises(DrillRefused, match="holds before anything was broken"):
        run_drill(tank, TAP, timeout_seconds=30)


@pytest.mark.parametrize("lasts", [600, 1200])
def test_a_drill_waits_a_while_for_another_cause_of_its_page_to_pass(tank, monkeypatch, lasts):
    tank.monitor.put(tap=1)
    began, seen, wait = tank.clock.monotonic(), [], tank.wait

    def close_the_tap_later(seconds):
        if tank.clock.monotonic() - began >= lasts:
            tank.monitor.put(tap=0)
        wait(seconds)

    monkeypatch.setattr(tank, "wait", close_the_tap_later)
    run_drill(tank, PUMP, seen.append)
    injected = next(said for said in seen if said.stage is DrillStage.INJECTED)
    assert injected.seconds == pytest.approx(0, abs=1), (
        "the time of the drill starts after the wait"
    )
    assert f"the evidence of {TAP} no longer holds" in seen[0].condition
    longest = max(said.seconds for said in seen if said.stage is DrillStage.HEALTHY)
    assert min(lasts, 900) - 60 <= longest <= min(lasts, 900)


def test_a_drill_without_time_for_that_wait_names_the_other_cause(tank):
    tank.monitor.put(tap=1)
    with pytest.raises(DrillRefused, match=f"the evidence of {TAP} holds"):
        run_drill(tank, PUMP, timeout_seconds=30)


def test_an_incident_that_opens_during_that_wait_is_not_the_one_of_the_drill(tank, monkeypatch):
    tank.monitor.put(tap=1)
    began, wait = tank.clock.monotonic(), tank.wait

    def empty_then_refill(seconds):
        waited = tank.clock.monotonic() - began
        tank.monitor.put(level=1 if 300 <= waited < 600 else 9, tap=1 if waited < 300 else 0)
        wait(seconds)

    monkeypatch.setattr(tank, "wait", empty_then_refill)
    seen = []
    run_drill(tank, PUMP, seen.append, timeout_seconds=7200)
    waited_for = [
        said.condition
        for said in seen
        if said.stage is DrillStage.HEALTHY and hasattr(said, "condition")
    ]
    assert any("is not resolved" in condition for condition in waited_for), waited_for


def test_a_part_of_the_evidence_may_hold_before_anything_is_broken(tank):
    book, cause = tank.library.cause(TAP)
    fitting = replace(cause.evidence[0], expression="pump_ok == 1")
    wider = replace(cause, evidence=(*cause.evidence, fitting))
    book = replace(book, causes=(wider, *book.causes[1:]))
    tank.library = Library([book])
    assert run_drill(tank, TAP, timeout_seconds=600).detected


def test_a_drill_says_every_few_seconds_what_it_waits_for(tank):
    seen = []
    run_drill(tank, TAP, seen.append)
    waits = [said for said in seen if isinstance(said, DrillWait)]
    assert {wait.stage for wait in waits} <= {DrillStage.DETECTED, DrillStage.VERIFIED}
    verifying = [wait for wait in waits if "verifying" in wait.condition]
    assert "trimtab check" in verifying[0].condition
    gaps = [
        later.machine_seconds - sooner.machine_seconds
        for sooner, later in itertools.pairwise(verifying)
    ]
    assert verifying
    assert all(3 <= gap <= 6 for gap in gaps), gaps


def test_a_drill_that_cannot_begin_says_why_it_waits(tank):
    tank.monitor.put(tap=1)
    seen = []
    with pytest.raises(DrillRefused):
        run_drill(tank, TAP, seen.append, timeout_seconds=30)
    assert {said.stage for said in seen} == {DrillStage.HEALTHY}
    assert "holds before anything was broken" in seen[0].condition


def test_the_proof_of_a_drill_says_that_one_of_its_faults_was_simulated(tank):
    _simulate(tank, "tank.open_tap")
    result = run_drill(tank, TAP)
    assert (result.passed, result.realism) == (True, Realism.SIMULATED)
    proof = tank.proofs.find(*tank.library.cause(TAP))
    assert (proof.realism, proof.reason) == (Realism.SIMULATED, "tank.open_tap: no tank is here")


@pytest.mark.parametrize(
    ("realism", "reasons"),
    [
        (Realism.REAL, ()),
        (Realism.SIMULATED, ("the drill of this cause was simulated (no tank is here)",)),
    ],
)
def test_only_a_real_drill_lets_the_operator_act_without_approval(tank, realism, reasons):
    book, cause = tank.library.cause(TAP)
    reason = "no tank is here" if realism is Realism.SIMULATED else ""
    tank.proofs.add(book, cause, tank.clock.now(), realism=realism, reason=reason)
    tank.monitor.put(tap=1, level=1)
    incident = tank.operator.fire()
    tank.operator.jobs.run(until=lambda: tank.incidents.get(incident.id).episode.plan is not None)
    found = tank.incidents.get(incident.id)
    assert found.episode.plan.approval_because == reasons
    assert (found.state is State.AWAITING_APPROVAL) == bool(reasons)
    assert bool(tank.operator.effects()) == (not reasons)


def _simulate(tank, name):
    fault = replace(
        tank.catalog.faults[name],
        realism=Realism.SIMULATED,
        simulated_because="no tank is here",
    )
    tank.catalog.faults = {**tank.catalog.faults, name: fault}


def test_an_interrupt_puts_the_faults_back(tank):
    def interrupt(progress):
        if progress.stage is DrillStage.DETECTED:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_drill(tank, TAP, interrupt)
    assert tank.monitor.get("tap") == 0


def test_plans_of_a_drill_are_approved_in_the_drills_name(tank):
    result = run_drill(tank, PUMP)
    incident = tank.incidents.get(result.incident_id)
    assert (incident.drill, incident.episode.approved_by) == (True, "drill")
    assert tank.incidents.approval(incident.id).principal == "drill"


def test_drills_do_not_bar_the_fix_and_page_nobody(tank):
    for _ in range(4):
        assert run_drill(tank, TAP).passed
    messages = tank.operator.outbox.about(tank.incidents.list(drills=True)[0].id)
    assert messages
    assert all(message.text.startswith("[DRILL] ") for message in messages)
    assert not any(message.channel == "#on-call" for message in messages)


def test_the_seconds_tell_when_each_stage_was_reached(tank):
    seconds = run_drill(tank, TAP).seconds
    assert list(seconds) == [stage.value for stage in DrillStage]
    assert list(seconds.values()) == sorted(seconds.values())
    assert seconds["verified"] - seconds["repaired"] >= 60


def test_an_edited_page_is_no_longer_proven(tank, tmp_path):
    run_drill(tank, TAP)
    book, cause = tank.library.cause(TAP)
    edited = type(book)(
        **{**{f: getattr(book, f) for f in book.__slots__}, "text": book.text + "."}
    )
    assert tank.proofs.proven(book, cause)
    assert not tank.proofs.proven(edited, cause)
    assert tank.incidents.list(drills=True)[0].state is State.RESOLVED


def test_a_drill_that_is_stopped_says_so_and_puts_the_faults_back(tank):
    stop = Event()

    def at_injection(progress):
        if progress.stage is DrillStage.INJECTED:
            assert tank.monitor.get("tap") == 1
            stop.set()

    with pytest.raises(DrillStopped, match=TAP):
        run_drill(tank, TAP, at_injection, stop=stop)
    assert tank.monitor.get("tap") == 0
    assert not tank.proofs.proven(*tank.library.cause(TAP))


def test_stopping_the_room_returns_when_everything_is_put_back_and_the_next_drill_runs(tank):
    room, said = DrillRunner(tank), Queue()
    tank.monitor.put(broken=["refill"])  # The fix does not help, so the drill would go on.
    room.start(TAP, 1e9, said.put)
    while not isinstance(item := said.get(), Progress) or item.stage is not DrillStage.INJECTED:
        pass
    room.stop()
    assert tank.monitor.get("tap") == 0
    assert isinstance(_last(said), DrillStopped)
    tank.monitor.put(broken=[])
    tank.wait(36_000)
    room.start(TAP, 3600, said.put)
    assert _last(said).passed


def _last(said):
    while isinstance(item := said.get(), Progress | DrillWait):
        pass
    return item


def test_a_cause_whose_page_needs_a_cluster_is_not_drilled_without_one(tank):
    (book,) = tank.library.runbooks.values()
    tank.library = Library([replace(book, needs="kubernetes")])
    with pytest.raises(DrillRefused, match="needs kubernetes, which is not configured"):
        DrillRunner(tank).start(TAP, 3600, lambda _: None)
    tank.library = Library([replace(book, needs="kubernetes")], ("kubernetes",))
    said = Queue()
    DrillRunner(tank).start(TAP, 3600, said.put)
    assert _last(said).passed
