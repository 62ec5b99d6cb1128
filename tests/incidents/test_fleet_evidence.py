"""An alert of one process of a fleet is diagnosed and verified by the figures of that process."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from trimtab.incidents.embedded import EmbeddedMonitor
from trimtab.incidents.evidence import look
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.labels import METRIC_NAME, PROCESS, labels_of
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SCRAPE, SeriesStore
from trimtab.runbooks import Check
from trimtab.testing.clock import FakeClock

OWN, THERE = "process_here", "process_there"
START = datetime(2026, 3, 1, tzinfo=UTC)


class Room:
    """Two processes, scraped every 5 s: this one has a full tank, the other an empty one."""

    def __init__(self, *, minutes=2, there_answers=True):
        self.store, self.clock = SeriesStore(), FakeClock(START)
        for _ in range(minutes * 12):
            self.clock.advance(5)
            at = milliseconds(self.clock.now())
            own = {"tank_level": 9.0, "drops_total": 100.0, "pump_ok": 1.0}
            there = {
                "tank_level": 1.0,
                "drops_total": 100.0 + (at - START.timestamp() * 1000) / 1000,
            }
            self.store.append(
                SCRAPE, at, [(self.named(name), value) for name, value in own.items()]
            )
            up = (self.named("up", THERE), float(there_answers))
            found = [(self.named(name, THERE), value) for name, value in there.items()]
            self.store.append(THERE, at, [*(found if there_answers else []), up])
        self.monitor = EmbeddedMonitor(
            RuleEngine([], self.store), self.store, self.clock, 5.0, own=OWN
        )

    @staticmethod
    def named(name, process=""):
        return labels_of({METRIC_NAME: name, PROCESS: process})

    def holds(self, expression, process):
        incident = SimpleNamespace(
            alert=SimpleNamespace(labels={PROCESS: process} if process else {}),
            alerts=(),
            drill=False,
        )
        return look(SimpleNamespace(monitor=self.monitor), incident, Check(expression, 0, 0, 1))


@pytest.mark.parametrize(
    ("expression", "here", "there"),
    [
        ("tank_level > 5", True, False),
        ("tank_level < 5", False, True),
        ("sum(tank_level) < 5", False, True),
        ("increase(drops_total[1m]) > 30", False, True),
        ("tank_level < 5 and on() increase(drops_total[1m]) > 30", False, True),
        # What the other process does not export is asked of this one.
        ("pump_ok == 1", True, True),
    ],
)
def test_each_process_is_judged_by_its_own_series(expression, here, there):
    room = Room()
    assert room.holds(expression, OWN).holds is here
    assert room.holds(expression, THERE).holds is there


def test_of_a_process_that_is_silent_nothing_is_known():
    room = Room(there_answers=False)
    found = room.holds("tank_level > 5", THERE)
    assert found.holds is None
    assert THERE in found.error
    assert room.holds("tank_level > 5", "").holds is True


def test_a_label_of_an_outside_alert_that_names_no_process_of_the_fleet_is_not_considered():
    assert Room().holds("tank_level > 5", "nginx").holds is True


def test_a_check_that_names_the_label_gets_what_it_asks_for():
    room = Room()
    assert room.holds(f'tank_level{{process="{THERE}"}} < 5', "").holds is True
    assert room.holds('tank_level{process=""} > 5', THERE).holds is True


def test_without_a_process_all_of_them_are_seen():
    room = Room()
    assert room.holds("sum(tank_level) == 10", "").holds is True
    assert room.holds("tank_level < 5", "").holds is True
