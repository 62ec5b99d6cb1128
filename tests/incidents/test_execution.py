"""Acts that raise, hang, change nothing or cannot be taken back."""

import threading
from datetime import timedelta

import pytest

from tests.incidents.operator import change, make_operator
from tests.incidents.world import PUMP, TAP
from trimtab.incidents import State
from trimtab.incidents.bounded import ActTimedOut, run_bounded
from trimtab.incidents.errors import PreapprovalRefused
from trimtab.incidents.loop import Loop
from trimtab.incidents.plan import check_preapproved
from trimtab.incidents.signals import signals
from trimtab.incidents.transition import NewEntry
from trimtab.kernel.operable import ActionResult, Effect

MESSAGE = "not even a TrimtabError"


@pytest.fixture
def release():
    """An event that a hanging act waits for; set at the end, so that no thread is left."""
    event = threading.Event()
    yield event
    event.set()
    # What they write down at their end, they write into the test's database.
    for thread in threading.enumerate():
        if thread.name.startswith("act "):
            thread.join(30)


def broken_tank(operator, **world):
    operator.prove(TAP, PUMP)
    operator.world.put(**{"tap": 1, "level": 1, **world})
    return operator.fire()


def settle(operator, incident, state=State.ESCALATED):
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is state)
    return operator.incidents.get(incident.id)


def raising(error):
    def run(*_):
        raise error

    return run


@pytest.mark.parametrize("error", [ValueError(MESSAGE), KeyError("x"), SystemExit(3)])
def test_an_act_that_raises_anything_takes_back_what_ran_before(operator, error):
    change(operator, "tank.refill", run=raising(error))
    done = settle(operator, broken_tank(operator))
    assert operator.effects() == ["close_tap", "open_tap"]
    assert [attempt.outcome for attempt in done.attempts] == ["act_failed"]
    assert "Taken back: tank.close_tap." in operator.texts(done.id)


def test_an_act_that_hangs_is_given_up_at_its_limit_and_a_person_is_called(operator, release):
    change(operator, "tank.refill", run=lambda *_: release.wait() and None, limit_seconds=0.05)
    done = settle(operator, broken_tank(operator, pump=0))
    assert operator.effects() == ["close_tap", "open_tap"]
    assert [attempt.outcome for attempt in done.attempts] == ["timed_out"]
    assert done.episode.called
    assert "whether it took effect is unknown" in " ".join(operator.texts(done.id))


def test_an_act_that_ends_after_it_was_given_up_is_written_down(operator, release):
    noted = threading.Event()

    def slow(*_):
        release.wait()
        return ActionResult("Filled at last.")

    change(operator, "tank.refill", run=slow, limit_seconds=0.05)
    done = settle(operator, broken_tank(operator))
    operator.context.store.listen(lambda _: noted.set())
    release.set()
    assert noted.wait(10)
    assert any("Ended after its time limit" in text for text in operator.texts(done.id))


def test_an_undo_that_hangs_is_given_up_and_a_person_is_called(operator, release):
    change(operator, "tank.close_tap", undo=lambda *_: release.wait() and None, limit_seconds=0.05)
    done = settle(operator, broken_tank(operator, broken=["refill"]))
    assert done.episode.done[0].undo_failed
    texts = " ".join(operator.texts(done.id))
    assert "Not taken back: tank.close_tap." in texts
    assert "the undo of tank.close_tap failed" in texts


def test_a_dry_run_that_raises_or_hangs_is_not_planned(operator, release):
    change(operator, "tank.refill", dry_run=raising(ValueError(MESSAGE)))
    done = settle(operator, broken_tank(operator))
    assert [attempt.outcome for attempt in done.attempts] == ["not_plannable"]
    assert operator.effects() == []


@pytest.mark.parametrize(("down_seconds", "runs"), [(599, True), (600, False), (601, False)])
def test_after_a_restart_an_act_runs_again_within_its_limit_only(operator, down_seconds, runs):
    incident = broken_tank(operator)
    begun = Loop(operator.context)
    while operator.incidents.get(incident.id).state is not State.EXECUTING:
        begun.advance(incident.id, 1)
    plan = operator.incidents.get(incident.id).episode.plan
    key = f"{incident.id}:{plan.hash}:0"
    found = operator.incidents.get(incident.id)
    operator.context.store.begin_act(
        found, key, "tank.close_tap", operator.clock.now(), NewEntry("x", "Running.")
    )
    operator.clock.advance(down_seconds)
    begun.advance(incident.id, 1)
    after = operator.incidents.get(incident.id)
    assert (after.state is State.EXECUTING) == runs
    assert (operator.effects() == ["close_tap"]) == runs
    if not runs:
        assert after.attempts[-1].outcome == "timed_out"
        assert "was interrupted and its time limit is over" in operator.texts(incident.id)[-1]


@pytest.mark.parametrize(("down_seconds", "runs"), [(599, True), (600, False)])
def test_after_a_restart_an_undo_runs_again_within_its_limit_only(operator, down_seconds, runs):
    incident = broken_tank(operator, broken=["refill"])
    loop = Loop(operator.context)
    while operator.incidents.get(incident.id).state is not State.UNDOING:
        loop.advance(incident.id, 1)
    found = operator.incidents.get(incident.id)
    key = f"{incident.id}:{found.episode.plan.hash}:0:undo"
    note = NewEntry("x", "Undoing.")
    operator.context.store.begin_act(found, key, "tank.close_tap", operator.clock.now(), note)
    operator.clock.advance(down_seconds)
    loop.advance(incident.id, 1)
    assert (operator.effects() == ["close_tap", "open_tap"]) == runs
    assert operator.incidents.get(incident.id).episode.done[0].undo_failed is not runs
    interrupted = "was interrupted and its time is over" in operator.texts(incident.id)[-1]
    assert interrupted is not runs


def test_undoing_uses_up_no_budget_of_automatic_acts(operator):
    incident = broken_tank(operator, broken=["refill"])
    settle(operator, incident)
    hour_ago = operator.clock.now() - timedelta(hours=1)
    assert operator.context.store.automatic_acts_since(hour_ago) == 2


def test_a_fix_that_would_change_nothing_is_not_run_and_earns_no_credit(operator):
    nothing = lambda *_: ActionResult("Closed already.", changes=False)  # noqa: E731
    change(operator, "tank.close_tap", dry_run=nothing)
    change(operator, "tank.refill", dry_run=nothing)
    incident = broken_tank(operator)
    done = settle(operator, incident)
    assert operator.effects() == []
    assert [attempt.outcome for attempt in done.attempts] == ["changed_nothing"]
    assert operator.context.store.worked_ever() == {}
    assert "would change nothing, so it is not run" in " ".join(operator.texts(done.id))


def test_an_act_that_has_become_needless_is_skipped_and_the_others_run(operator):
    change(operator, "tank.refill", dry_run=lambda *_: ActionResult("x", changes=False))
    incident = broken_tank(operator)
    effect = operator.world.effect
    operator.world.effect = lambda context, what, **values: effect(
        context, what, **{**values, "level": 9}
    )
    done = settle(operator, incident, State.RESOLVED)
    assert operator.effects() == ["close_tap"]
    assert [act.changed for act in done.episode.done] == [True, False]
    assert done.episode.resolution == "close_tap was done."
    assert any("Skipped tank.refill" in text for text in operator.texts(done.id))


def test_acts_that_changed_nothing_are_no_repair_when_the_alert_ends_by_itself(operator):
    nothing = lambda *_: ActionResult("It was so already.", changes=False)  # noqa: E731
    change(operator, "tank.close_tap", run=nothing)

    def refilled_elsewhere(*_):
        operator.world.put(level=9)
        return ActionResult("It was so already.", changes=False)

    change(operator, "tank.refill", run=refilled_elsewhere)
    done = settle(operator, broken_tank(operator), State.RESOLVED)
    assert done.episode.resolution == "Ended by itself: no act of the plan changed anything."
    assert (done.episode.cause_verified, done.cause_status) == (False, "suspected")
    assert [attempt.outcome for attempt in done.attempts] == ["changed_nothing"]
    assert operator.context.store.worked_ever() == {}
    assert "the page worked" not in done.episode.postmortem
    assert "Root cause identified" not in done.episode.postmortem


def irreversible(operator):
    change(operator, "tank.swap_pump", effect=Effect.IRREVERSIBLE)


def test_an_irreversible_act_never_runs_by_itself_although_it_is_preapproved(tmp_path):
    operator = make_operator(tmp_path, preapproved=("tank.swap_pump",))
    irreversible(operator)
    operator.prove(PUMP)
    operator.world.put(pump=0, level=1)
    incident = operator.fire()
    waiting = settle(operator, incident, State.AWAITING_APPROVAL)
    assert waiting.episode.plan.approval_because == ("tank.swap_pump is irreversible",)
    assert "tank.swap_pump (irreversible)" in waiting.episode.plan.blast_radius


def test_a_repeatable_act_of_the_same_plan_runs_when_it_is_preapproved(tmp_path):
    operator = make_operator(tmp_path, preapproved=("tank.swap_pump",))
    operator.prove(PUMP)
    operator.world.put(pump=0, level=1)
    done = settle(operator, operator.fire(), State.RESOLVED)
    assert operator.effects() == ["swap_pump"]
    planned = next(text for text in operator.texts(done.id) if text.startswith("Planned"))
    assert "its acts are repeatable, and 0 of 10 automatic acts were used this hour" in planned


def test_an_irreversible_action_on_the_preapproved_list_stops_the_start(tmp_path):
    operator = make_operator(tmp_path)
    irreversible(operator)
    check_preapproved(("tank.refill",), operator.context.catalog)
    with pytest.raises(PreapprovalRefused, match="it is irreversible"):
        check_preapproved(("tank.swap_pump",), operator.context.catalog)


def stalled(operator):
    (signal,) = [
        signal
        for signal in signals(operator.context.store, operator.outbox, operator.clock)
        if signal.name == "incidents.stalled_seconds"
    ]
    return signal.read()[0].value


def test_executing_without_progress_is_measured(operator):
    incident = broken_tank(operator)
    loop = Loop(operator.context)
    while operator.incidents.get(incident.id).state is not State.EXECUTING:
        assert stalled(operator) == 0
        loop.advance(incident.id, 1)
    operator.clock.advance(1000)
    assert stalled(operator) == 1000
    loop.advance(incident.id, 1)
    assert stalled(operator) == 0


def test_a_result_in_time_is_returned_and_an_error_raised():
    late = []
    assert run_bounded(lambda: ActionResult("x"), 10, "a", late.append).summary == "x"
    with pytest.raises(ZeroDivisionError):
        run_bounded(lambda: 1 / 0, 10, "a", late.append)
    with pytest.raises(ActTimedOut):
        run_bounded(lambda: threading.Event().wait(0.2) or ActionResult("x"), 0, "a", late.append)


def test_an_act_is_waited_for_until_its_limit():
    pause = threading.Event()
    slow = run_bounded(lambda: pause.wait(0.3) or ActionResult("x"), 10, "a", lambda _: None)
    assert slow.summary == "x"


def test_an_act_that_tries_to_end_the_process_is_an_error():
    with pytest.raises(RuntimeError, match="a tried to end the process: SystemExit"):
        run_bounded(raising(SystemExit(3)), 10, "a", lambda _: None)
