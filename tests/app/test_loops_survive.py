"""Every background loop of the service goes on after an error that nobody expected, and counts it."""

import threading
from types import SimpleNamespace

import pytest

from tests.answers.world import StillClock, given
from trimtab.answers.tracing.exporter import SpanExporter
from trimtab.app.handbook import Handbook
from trimtab.evaluation.experiments.shadow import Shadow
from trimtab.evaluation.online.quality_monitor import MonitoredStores, QualityMonitor
from trimtab.gates.monitor import GateMonitor
from trimtab.infra.notify.delivery import Delivery
from trimtab.infra.scheduler import Scheduler
from trimtab.infra.settings.sections.monitor import MonitorSettings
from trimtab.kernel.tasks import ScheduledTask
from trimtab.knowledge.background import BackgroundTasks
from trimtab.knowledge.maintenance.allocations import GrowthProfile
from trimtab.knowledge.records import FolderIngestResult
from trimtab.monitoring.monitor import Monitor


class Boom(Exception):
    """An error that no code expects."""


class FastClock(StillClock):
    """A clock on which every wait is over at once."""

    def wait(self, event, seconds):
        self.seconds += seconds
        return event.is_set()


class FailsOnce:
    """Raises at the first call, returns the result at each later one, and tells when the second has come."""

    def __init__(self, result=None):
        self.result = result
        self.calls = 0
        self.again = threading.Event()

    def __call__(self, *_, **__):
        self.calls += 1
        if self.calls == 1:
            raise Boom
        self.again.set()
        return self.result


@pytest.fixture
def clock():
    return FastClock()


def survives(loop, state, call):
    """Start the loop, and see that the call which failed comes again."""
    loop.start()
    try:
        assert call.again.wait(20)
    finally:
        loop.close()
    assert state().failures == 1


def test_the_shadow(clock):
    call = FailsOnce(SimpleNamespace(cost_usd=0.0))
    pairs = SimpleNamespace(keep=lambda *_: None)
    shadow = Shadow(
        SimpleNamespace(name="c", trace=call),
        SimpleNamespace(find=call),
        pairs,
        1.0,
        clock,
    )
    for name in ("one", "two"):
        shadow.on_answer(given(trace_id=name))
    shadow.start()
    assert call.again.wait(20)
    shadow.close()
    assert shadow.counts["failed"] >= 1


def test_the_span_exporter(clock):
    call = FailsOnce([])
    outbox = SimpleNamespace(unexported=call, count_unexported=lambda: 0)
    exporter = SpanExporter(outbox, "http://127.0.0.1:9", {}, clock)
    survives(exporter, lambda: exporter.task.state, call)


def test_the_quality_monitor(clock):
    call = FailsOnce([])
    stores = MonitoredStores(
        SimpleNamespace(since=call),
        SimpleNamespace(counts_since=lambda _: {}),
        SimpleNamespace(drop_before=lambda _: None),
    )
    monitor = QualityMonitor(stores, clock)
    monitor.start()
    assert call.again.wait(20)
    monitor.close()
    assert monitor.task.state.failures >= 1


def test_the_handbook_is_tried_again_and_then_finished(clock, tmp_path):
    call = FailsOnce(FolderIngestResult((), ()))
    knowledge = SimpleNamespace(
        ingest_folder=call, percent_read={}, documents=SimpleNamespace(list=lambda *_: ())
    )
    handbook = Handbook(knowledge, tmp_path / "handbook.json", clock)
    survives(handbook, lambda: handbook.task.state, call)
    assert handbook.task.state.last_success is not None


def test_the_delivery_of_notifications(clock):
    call = FailsOnce([])
    delivery = Delivery(SimpleNamespace(due=call), (), clock)
    survives(delivery, lambda: delivery.task.state, call)


def test_a_chore(clock):
    call = FailsOnce()
    scheduler = Scheduler((ScheduledTask("c", 1.0, call),), clock)
    survives(scheduler, lambda: scheduler.tasks[0].state, call)


def test_the_monitor(clock):
    call = FailsOnce()
    engine = SimpleNamespace(tick=lambda _: [])
    monitor = Monitor(SimpleNamespace(take=call), engine, lambda _: None, clock, MonitorSettings())
    survives(monitor, lambda: monitor.task.state, call)


def test_the_monitor_whose_rules_fail(clock):
    call = FailsOnce([])
    monitor = Monitor(
        SimpleNamespace(take=lambda _: None),
        SimpleNamespace(tick=call),
        lambda _: None,
        clock,
        MonitorSettings(),
    )
    survives(monitor, lambda: monitor.task.state, call)


@pytest.mark.parametrize("part", [0, 1], ids=["heartbeat", "queue"])
def test_the_heartbeat_and_the_queue_of_knowledge(clock, part):
    call = FailsOnce()
    work = [lambda: None, lambda: None]
    work[part] = call
    background = BackgroundTasks(clock, 5.0, *work)
    background.start()
    while part == 1 and background.tasks[1].state.failures == 0:
        pass  # The first drain is under way; a wake that waits already is one with it.
    background.wake()
    assert call.again.wait(20)
    background.stop()
    assert background.tasks[part].state.failures == 1


def test_the_gates(clock, tmp_path, monkeypatch):
    call = FailsOnce(SimpleNamespace(findings=()))
    room = GateMonitor(tmp_path, clock)
    monkeypatch.setattr(room, "_ensure_project", lambda: None)
    monkeypatch.setattr(room, "_judge", call)
    monkeypatch.setattr(room, "_copy_evidence", lambda: None)
    room.start(5.0)
    assert call.again.wait(20)
    room.close()
    assert room.task.state.failures == 1


def test_a_memory_profile_that_fails_leaves_the_next_one_possible(clock, tmp_path, monkeypatch):
    call = FailsOnce({})
    monkeypatch.setattr("trimtab.knowledge.maintenance.allocations._types", call)
    profile = GrowthProfile(clock, tmp_path / "memory_profile.txt")
    assert profile.start(0.0)
    profile._thread.join(20)
    assert profile.start(0.0)
    profile.close()
    assert call.calls > 1
