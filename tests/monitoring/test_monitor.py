import textwrap

import pytest
from prometheus_client import CollectorRegistry, Gauge

from trimtab.infra.settings.sections.monitor import MonitorSettings
from trimtab.kernel.clock import SystemClock
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.monitor import Leadership, Monitor
from trimtab.monitoring.scrape import Scrape
from trimtab.monitoring.series import SeriesStore
from trimtab.testing.clock import FakeClock

RULES = """
groups:
- name: g
  rules:
  - alert: TooHot
    expr: heat > 5
    labels: {severity: P2}
    annotations: {runbook_url: "runbook:heat"}
"""


class Oven:
    """A metric, its rules and their monitor."""

    def __init__(self, folder, sink, clock=None, leads=lambda: True, firing=()):
        rules = folder / "rules.yml"
        rules.write_text(textwrap.dedent(RULES), encoding="utf-8")
        registry = CollectorRegistry()
        self.heat = Gauge("heat", "h", registry=registry)
        store = SeriesStore()
        engine = RuleEngine(load_rules([rules]), store)
        self.clock = clock or SystemClock(100)
        self.monitor = Monitor(
            Scrape(registry, store),
            engine,
            sink,
            self.clock,
            MonitorSettings(),
            Leadership(leads, lambda: engine.resume(firing)),
        )

    def round(self, heat):
        """Let a minute pass, then run a round of the loop."""
        self.heat.set(heat)
        self.clock.advance(60)
        assert self.monitor.task.run_once()


def test_what_begins_and_ends_is_handed_over_once_and_in_order(tmp_path):
    heard = []
    oven = Oven(tmp_path, lambda t: heard.append((type(t).__name__, t.alert.name)))
    for heat in (1, 9, 9, 1, 1):
        oven.heat.set(heat)
        oven.monitor.look()
    assert heard == [("AlertFired", "TooHot"), ("AlertResolved", "TooHot")]


def test_a_transition_that_could_not_be_taken_is_offered_again_before_the_newer_ones(tmp_path):
    heard, working = [], []

    def sink(transition):
        if not working:
            raise OSError("disk full")
        heard.append(type(transition).__name__)

    oven = Oven(tmp_path, sink)
    for heat in (9, 1):
        oven.heat.set(heat)
        oven.monitor.look()
    assert heard == []
    working.append(True)
    oven.monitor.look()
    assert heard == ["AlertFired", "AlertResolved"]


@pytest.mark.timeout(20)
def test_the_loop_watches_by_itself_until_it_is_closed(tmp_path):
    import threading

    fired = threading.Event()
    oven = Oven(tmp_path, lambda _transition: fired.set())
    oven.heat.set(9)
    oven.monitor.start()
    assert fired.wait(15)
    oven.monitor.close()
    assert oven.monitor.task.state.started_at is None


def test_an_alert_that_ended_under_another_leader_fires_again_under_this_one(tmp_path):
    heard, leads = [], [True]
    oven = Oven(tmp_path, lambda t: heard.append(type(t).__name__), FakeClock(), lambda: leads[0])
    oven.round(heat=9)
    leads[0] = False
    oven.round(heat=1)  # The other leader has told its end.
    leads[0] = True
    oven.round(heat=9)
    assert heard == ["AlertFired", "AlertFired"]


def test_what_could_not_be_handed_over_is_left_to_the_next_leader(tmp_path):
    heard, leads, working = [], [True], []

    def sink(transition):
        if not working:
            raise OSError("disk full")
        heard.append(type(transition).__name__)

    oven = Oven(tmp_path, sink, FakeClock(), lambda: leads[0])
    oven.round(heat=9)
    leads[0] = False
    oven.round(heat=1)
    leads[0] = True
    working.append(True)
    oven.round(heat=1)
    assert heard == []
