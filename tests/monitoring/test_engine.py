from datetime import timedelta

import pytest

from tests.monitoring.clocks import START
from tests.monitoring.world import World, heat
from trimtab.monitoring.alerts import AlertFired, AlertResolved, AlertState
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.promql.evaluator import Expression, compile_expression
from trimtab.monitoring.rule import RecordingRule, RuleGroup
from trimtab.monitoring.series import SeriesStore
from trimtab.monitoring.templates import exponent_text

RULES = """
groups:
  - name: heat
    rules:
      - alert: Hot
        expr: heat > 30
        for: 20s
        keep_firing_for: 10s
        labels: {severity: P2, room: "{{ $labels.room }}!"}
        annotations: {summary: "{{ $value }} degrees", runbook_url: "runbook:cool-down"}
"""


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, RULES)


def test_an_alert_fires_only_after_its_for(world):
    assert world.tick(heat(31.0)) == world.tick(heat(32.0)) == ()
    (fired,) = world.tick(heat(33.0))
    assert isinstance(fired, AlertFired)
    assert (fired.alert.value, fired.at - fired.alert.since) == (33.0, timedelta(seconds=20))


def test_an_interruption_starts_the_for_again(world):
    for value in (31.0, 31.0, 29.0, 31.0, 31.0):
        assert world.tick(heat(value)) == ()
    assert len(world.tick(heat(31.0))) == 1


def test_an_alert_goes_on_firing_for_a_while(world):
    for _ in range(3):
        world.tick(heat(31.0))
    assert world.tick(heat(1.0)) == ()
    (resolved,) = world.tick(heat(1.0))
    assert isinstance(resolved, AlertResolved)
    assert world.engine.alerts() == ()


def test_labels_and_annotations_are_filled_in(world):
    world.tick(heat(31.5))
    (alert,) = world.engine.alerts()
    assert alert.labels == {"alertname": "Hot", "room": "a!", "severity": "P2"}
    assert alert.annotations["summary"] == "31.5 degrees"
    assert (alert.state, alert.severity, alert.runbook) == (AlertState.PENDING, "P2", "cool-down")


def test_the_fingerprint_is_the_same_in_another_process(world, tmp_path):
    world.tick(heat(31.0))
    other = World(tmp_path, RULES)
    other.tick(heat(55.0))
    assert world.engine.alerts()[0].fingerprint == other.engine.alerts()[0].fingerprint
    assert other.engine.alerts()[0].fingerprint == "alert_f0e178d7185db3f19c63d1ef6373162e"


def test_alerts_are_series_too(world):
    for _ in range(3):
        world.tick(heat(31.0), heat(40.0, room="b"))
    world.tick(heat(31.0))
    assert world.value("count by (alertstate) (ALERTS)") == {(("alertstate", "firing"),): 2.0}
    world.tick(heat(1.0))
    assert world.value('ALERTS{room="b!"}') == {}


def test_a_resumed_alert_is_resolved_by_the_new_process(world, tmp_path):
    for _ in range(3):
        world.tick(heat(31.0))
    after = World(tmp_path, RULES)
    after.engine.resume(world.engine.alerts(AlertState.FIRING))
    assert after.tick(heat(1.0)) == ()
    (resolved,) = after.tick(heat(1.0))
    assert resolved.alert.fingerprint == world.engine.alerts()[0].fingerprint


def test_a_resumed_alert_that_still_holds_does_not_fire_again(world, tmp_path):
    for _ in range(3):
        world.tick(heat(31.0))
    after = World(tmp_path, RULES)
    after.engine.resume(world.engine.alerts(AlertState.FIRING))
    assert after.tick(heat(31.0)) == ()
    assert after.engine.alerts()[0].value == 31.0


FAILING = """
groups:
  - name: g
    rules:
      - alert: Broken
        expr: heat * on() group_left heat > 0
        annotations: {runbook_url: "runbook:x"}
      - record: heat:max
        expr: max(heat)
        labels: {unit: celsius}
      - alert: Works
        expr: heat:max > 30
        annotations: {runbook_url: "runbook:x"}
"""


def test_a_failing_rule_does_not_stop_the_others(tmp_path):
    world = World(tmp_path, FAILING)
    (fired,) = world.tick(heat(31.0), heat(32.0, room="b"))
    assert fired.alert.labels == {"alertname": "Works", "unit": "celsius"}
    broken, *others = world.engine.health()
    assert "Several series match" in broken.error
    assert broken.failures == 1
    assert [rule.error for rule in others] == ["", ""]


def test_a_failing_rule_keeps_its_alerts(tmp_path):
    world = World(tmp_path, FAILING)
    world.tick(heat(31.0))
    assert world.tick(heat(31.0), heat(32.0, room="b")) == ()
    assert [alert.name for alert in world.engine.alerts()] == ["Broken", "Works"]


def test_two_results_that_become_one_alert_are_a_failure(tmp_path):
    world = World(tmp_path, RULES.replace("{{ $labels.room }}!", "any"))
    assert world.tick(heat(31.0), heat(32.0, room="b")) == ()
    (health,) = world.engine.health()
    assert "same labels after the rule's labels" in health.error
    assert world.engine.alerts() == ()


def test_even_a_mistake_of_ours_in_one_rule_stops_no_other():
    def broken(_):
        raise ZeroDivisionError("oops")

    rules = (
        RecordingRule("broken", Expression("x", frozenset(), filters=False, run=broken)),
        RecordingRule("works", compile_expression("vector(1)")),
    )
    store = SeriesStore()
    engine = RuleEngine([RuleGroup("f", "g", rules)], store)
    assert engine.tick(START) == ()
    assert [health.error for health in engine.health()] == ["ZeroDivisionError: oops", ""]
    assert store.metric_names() == {"works"}


def test_a_group_with_an_interval_waits_for_it(tmp_path):
    world = World(tmp_path, RULES.replace("- name: heat", "- name: heat\n    interval: 1m"))
    for _ in range(12):
        world.tick(heat(31.0))
    recorded = world.value("count_over_time(ALERTS[1h])")
    assert sum(recorded.values()) == 3.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1e+00"),
        (0.25, "2.5e-01"),
        (-1234.5, "-1.2345e+03"),
        (0.0, "0e+00"),
        (1e100, "1e+100"),
        (float("nan"), "NaN"),
        (float("inf"), "+Inf"),
    ],
)
def test_values_are_written_as_prometheus_api_writes_them(value, text):
    assert exponent_text(value) == text
