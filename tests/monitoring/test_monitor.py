import textwrap

import pytest
from prometheus_client import CollectorRegistry, Gauge

from trimtab.infra.settings.sections.monitor import MonitorSettings
from trimtab.kernel.clock import SystemClock
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.monitor import Monitor
from trimtab.monitoring.scrape import Scrape
from trimtab.monitoring.series import SeriesStore

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

    def __init__(self, folder, sink):
        rules = folder / "rules.yml"
        rules.write_text(textwrap.dedent(RULES), encoding="utf-8")
        registry = CollectorRegistry()
        self.heat = Gauge("heat", "h", registry=registry)
        store = SeriesStore()
        self.monitor = Monitor(
            Scrape(registry, store),
            RuleEngine(load_rules([rules]), store),
            sink,
            SystemClock(100),
            MonitorSettings(),
        )


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
