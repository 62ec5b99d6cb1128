"""The operator on the real rules, the real samples and the real checks; only the time is not real."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from tests.incidents.operator import make_context
from tests.incidents.records import START
from tests.incidents.world import TAP, World
from trimtab.incidents import EmbeddedMonitor, Incidents, State, deliver, firing_before
from trimtab.incidents.embedded import alert_of
from trimtab.infra.notify import Kind
from trimtab.infra.settings.sections.monitor import MonitorSettings
from trimtab.infra.telemetry import SignalCollector
from trimtab.kernel.operable import Realism, Sample, Signal
from trimtab.monitoring.alerts import Alert as RuleAlert
from trimtab.monitoring.alerts import AlertFired, AlertState
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.errors import EvaluationFailed, ExpressionRefused
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.monitor import Monitor
from trimtab.monitoring.scrape import Scrape
from trimtab.monitoring.series import SeriesStore
from trimtab.testing.clock import FakeClock
from trimtab.testing.jobs import FakeJobs

RULES = """
groups:
  - name: tank
    rules:
      - alert: TankLow
        expr: tank_level < 5
        for: 30s
        labels: {severity: P1, component: tank}
        annotations:
          summary: "Level: {{ $value }} (threshold: 5)"
          runbook_url: runbook:tank-empty
"""


class Plant:
    """The tank, watched by the embedded rules, in time that passes only while the operator waits."""

    APART = frozenset()

    def __init__(self, folder, clock=None):
        (folder / "rules.yml").write_text(RULES)
        self.world, self.clock = World(folder / "world.json"), clock or FakeClock()
        context, self.outbox, _ = make_context(folder, self.world, self.clock)
        registry = CollectorRegistry()
        registry.register(SignalCollector(self._signals()))
        self.samples = SeriesStore()
        self.engine = RuleEngine(load_rules([folder / "rules.yml"]), self.samples)
        self.evidence = EmbeddedMonitor(self.engine, self.samples, self.clock, 5.0, self.APART)
        object.__setattr__(context, "monitor", self.evidence)
        self.context = context
        self.jobs = FakeJobs(self.clock, lambda _topic: self.rules.look())
        self.incidents = Incidents(context, self.jobs)
        self.rules = Monitor(
            Scrape(registry, self.samples),
            self.engine,
            lambda transition: deliver(transition, self.incidents),
            self.clock,
            MonitorSettings(),
        )

    def pass_time(self, seconds):
        for _ in range(int(seconds / 5)):
            self.clock.advance(5)
            self.rules.look()

    def _signals(self):
        for metric, name in (("tank_level", "level"), ("tap_open", "tap"), ("pump_ok", "pump")):
            yield Signal(
                name=f"tank.{name}",
                unit="1",
                help="x",
                read=lambda name=name: [Sample(self.world.get(name))],
                metric=metric,
            )


class MarkedPlant(Plant):
    """The same tank, whose level under a drill is a series of its own."""

    APART = frozenset({"tank_level"})
    drill_level = 9.0

    def _signals(self):
        for signal in super()._signals():
            if signal.metric == "tank_level":
                yield replace(signal, labels=("drill",), read=self._levels)
            else:
                yield signal

    def _levels(self):
        return [
            Sample(self.world.get("level")),
            Sample(self.drill_level, {"drill": "true"}),
        ]

    def marks(self):
        return {one.drill: one for one in self.context.store.find()}


@pytest.fixture
def marked(tmp_path):
    return MarkedPlant(tmp_path)


@pytest.fixture
def plant(tmp_path):
    return Plant(tmp_path)


def test_from_a_scraped_value_to_a_proven_repair(plant):
    plant.context.proofs.add(
        *plant.context.library.cause(TAP), plant.clock.now(), realism=Realism.REAL
    )
    plant.pass_time(30)
    plant.world.put(tap=1, level=1)
    plant.pass_time(30)
    assert plant.incidents.list() == []
    plant.pass_time(10)
    (incident,) = plant.incidents.list()
    plant.jobs.run()
    done = plant.incidents.get(incident.id)
    assert (done.state, done.severity, done.alert.pending_seconds) == (State.RESOLVED, "P1", 30)
    assert [what for _, what in plant.world.get("effects")] == ["close_tap", "refill"]
    alert = plant.outbox.about(incident.id)[0].text
    assert "Level: 1 (threshold: 5)" in alert


def test_old_samples_prove_nothing(plant):
    plant.pass_time(10)
    plant.clock.advance(1)
    before = plant.clock.now()
    assert not plant.evidence.sampled_since(before)
    plant.pass_time(5)
    assert plant.evidence.sampled_since(before)
    plant.clock.advance(16)
    assert not plant.evidence.sampled_since(before)


def test_without_any_sample_nothing_is_proven(plant):
    assert not plant.evidence.sampled_since(datetime(2000, 1, 1, tzinfo=UTC))


def test_an_alert_that_fired_before_a_restart_is_still_seen_to_end(tmp_path):
    first = Plant(tmp_path)
    first.world.put(tap=1, level=1)
    first.pass_time(60)
    (incident,) = first.incidents.list()

    second = Plant(tmp_path, first.clock)
    second.engine.resume(firing_before(second.incidents))
    assert second.evidence.firing(incident.alert.fingerprint)
    second.world.put(tap=0, level=9)
    second.pass_time(5)
    assert not second.evidence.firing(incident.alert.fingerprint)
    assert not second.incidents.get(incident.id).alerts[0].firing


def test_what_cannot_be_asked_or_answered_is_an_error(plant):
    plant.pass_time(5)
    with pytest.raises(ExpressionRefused):
        plant.evidence.evaluate("tank_level")
    with pytest.raises(EvaluationFailed):
        plant.evidence.evaluate('{__name__=~"tank_level|tap_open"} >= on() (pump_ok * 0)')


def test_a_check_holds_does_not_hold_or_cannot_be_told(plant):
    plant.world.put(level=1)
    unsampled = plant.evidence.judge("tank_level > 5")
    assert (unsampled.holds, unsampled.reason) == (None, "no samples of tank_level")
    plant.pass_time(5)
    assert plant.evidence.judge("tank_level > 5").holds is False
    held = plant.evidence.judge("tank_level < 5")
    assert (held.holds, [one.value for one in held.samples]) == (True, [1])
    plant.clock.advance(301)
    assert plant.evidence.judge("tank_level < 5").holds is None


def test_a_check_that_the_samples_do_not_allow_cannot_be_told(plant):
    plant.pass_time(5)
    judged = plant.evidence.judge('{__name__=~"tank_level|tap_open"} >= on() (pump_ok * 0)')
    assert judged.holds is None
    assert "match" in judged.reason


@pytest.mark.parametrize("running", [True, False])
def test_an_alert_of_drill_traffic_opens_the_incident_of_a_drill_and_pages_nobody(marked, running):
    marked.drill_level = 1.0
    with marked.incidents.drill() if running else nullcontext():
        marked.pass_time(45)
    (incident,) = marked.incidents.list(drills=True)
    assert incident.drill
    marked.jobs.run(until=lambda: marked.incidents.get(incident.id).state is State.ESCALATED)
    sent = marked.outbox.about(incident.id)
    assert all(message.text.startswith("[DRILL]") for message in sent)
    assert Kind.ESCALATION in {message.kind for message in sent}
    assert Kind.PAGE not in {message.kind for message in sent}


def test_users_in_trouble_while_a_drill_runs_are_no_drill(marked):
    marked.world.put(level=1)
    with marked.incidents.drill():
        marked.pass_time(45)
    (incident,) = marked.incidents.list()
    assert not incident.drill
    marked.jobs.run(until=lambda: marked.incidents.get(incident.id).state is State.ESCALATED)
    assert Kind.PAGE in {message.kind for message in marked.outbox.about(incident.id)}


def test_a_drill_and_users_in_the_same_trouble_are_two_incidents(marked):
    marked.drill_level = 1.0
    with marked.incidents.drill():
        marked.pass_time(45)
        marked.world.put(level=1)
        marked.pass_time(45)
    assert set(marked.marks()) == {True, False}


def test_each_incident_is_judged_by_its_own_traffic(marked):
    marked.drill_level = 1.0
    marked.pass_time(5)
    assert marked.evidence.judge("tank_level < 5").holds is False
    assert marked.evidence.judge("tank_level < 5", drill=True).holds is True
    assert marked.evidence.judge("tap_open == 0", drill=True).holds is True
    assert marked.evidence.evaluate("tank_level < 5") == []
    assert [found.value for found in marked.evidence.evaluate("tank_level < 5", drill=True)] == [1]


def test_what_a_rule_without_traffic_finds_in_a_drill_is_the_drills(plant):
    plant.world.put(level=1)
    with plant.incidents.drill():
        plant.pass_time(45)
    (incident,) = plant.incidents.list(drills=True)
    assert incident.drill


@pytest.mark.parametrize(("seconds", "known"), [(15, True), (16, False)])
def test_samples_count_for_exactly_three_scrapes(plant, seconds, known):
    plant.world.put(level=1)
    plant.pass_time(5)
    at = plant.clock.now()
    plant.clock.advance(seconds)
    assert (plant.evidence.judge("tank_level < 5").holds is not None) is known
    assert plant.evidence.sampled_since(at) is known


def test_what_holds_is_told_by_its_labels_without_the_metrics_name(plant):
    plant.world.put(level=1)
    plant.pass_time(5)
    assert plant.evidence.evaluate("tank_level < 5") == [Sample(1.0, {})]


def test_only_the_alert_that_is_asked_for_fires(plant):
    plant.world.put(tap=1, level=1)
    plant.pass_time(60)
    (incident,) = plant.incidents.list()
    assert plant.evidence.firing(incident.alert.fingerprint)
    assert not plant.evidence.firing("alert_other")


def test_an_alert_without_a_waiting_time_was_pending_for_none():
    alert = RuleAlert("f", "TankLow", AlertState.FIRING, {}, {}, 1.0, since=START)
    assert alert_of(AlertFired(alert, START)).pending_seconds == 0.0
    earlier = replace(alert, since=START + timedelta(seconds=1))
    assert alert_of(AlertFired(earlier, START)).pending_seconds == 0.0
