"""A past incident against today's rules and runbooks."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.incidents.operator import make_operator
from trimtab.incidents.replay import PastSamples
from trimtab.incidents.replay import replay as replay_incident
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.labels import labels_of
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore
from trimtab.monitoring.views import SeriesView

RULES = """
groups:
  - name: tank
    rules:
      - {alert: TankLow, expr: tank_level < %s, for: %s, annotations: &page {runbook_url: "runbook:tank"}}
      - {alert: TankLeaks, expr: tank_leak > 0, for: 1m, annotations: *page}
      - {alert: AlwaysThere, expr: tank_level >= 0, annotations: *page}
"""


@pytest.fixture
def operator(tmp_path):
    return make_operator(tmp_path)


def past_of(operator, tmp_path, *, threshold="5", hold="0s", begin=timedelta(hours=2), drop=None):
    """Return samples up to the alert: the level falls from 20 minutes before it, the leak shows at 30 minutes.

    With ``drop`` the level falls at once, so many minutes before the alert.
    """
    store, fired = SeriesStore(4 * 3600), operator.clock.now()
    at = fired - begin
    while at <= fired + timedelta(minutes=20):
        left = (fired - at).total_seconds() / 60
        level = 9 if left > 20 else 8 - 4 * (20 - left) / 20 if left > 0 else 4
        if drop is not None:
            level = 9 if left > drop else 4
        batch = {"tank_level": level, "tank_leak": float(left < 30), "tap_open": 1, "pump_ok": 1}
        samples = [(labels_of({"__name__": name}), value) for name, value in batch.items()]
        store.append("scrape", milliseconds(at), samples)
        at += timedelta(seconds=15)
    file = tmp_path / "rules.yml"
    file.write_text(RULES % (threshold, hold))
    return PastSamples(load_rules([file]), SeriesView(store, frozenset()), 15)


def replayed(operator, past):
    incident = operator.fire()
    return replay_incident(operator.context, incident, past)


def test_the_rule_of_today_fires_when_its_condition_holds(operator, tmp_path):
    found = replayed(operator, past_of(operator, tmp_path, threshold="7"))
    (alert,) = found.alerts
    assert 14 * 60 <= alert.seconds_sooner <= 15 * 60
    assert alert.text.endswith("s sooner.")


@pytest.mark.parametrize(
    ("drop", "sooner"), [(59, 3540), (61, None), (10.75, 630), (-14.5, -870), (-15.5, None)]
)
def test_a_rule_is_evaluated_each_half_minute_from_an_hour_before_to_15_minutes_after(
    operator, tmp_path, drop, sooner
):
    """A condition that held at the first evaluation began before the incident."""
    (alert,) = replayed(operator, past_of(operator, tmp_path, drop=drop)).alerts
    assert alert.seconds_sooner == sooner


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"hold": "10m"}, "s later."),
        ({"threshold": "1"}, "It would not fire today."),
    ],
)
def test_a_stricter_rule_fires_later_or_not(operator, tmp_path, given, text):
    (alert,) = replayed(operator, past_of(operator, tmp_path, **given)).alerts
    assert alert.text.endswith(text)


def test_another_rule_of_today_would_have_caught_it_sooner(operator, tmp_path):
    found = replayed(operator, past_of(operator, tmp_path))
    assert [each.name for each in found.others] == ["TankLeaks"]
    assert 28 * 60 <= found.others[0].seconds_sooner <= 29 * 60
    assert found.verdict.startswith("Today it would be caught 1")
    assert found.verdict.endswith("s sooner.")


def test_todays_runbooks_are_judged_on_the_samples_of_then(operator, tmp_path):
    found = replayed(operator, past_of(operator, tmp_path))
    assert {(each.title, each.supported) for each in found.causes} == {
        ("the tap is open", True),
        ("the pump is broken", False),
    }
    assert not any(each.known_then for each in found.causes)
    assert found.runbooks_now == ("tank-empty",)


@pytest.mark.parametrize(
    ("begin", "covered"), [(timedelta(0), False), (timedelta(minutes=1), True)]
)
def test_without_samples_of_that_time_nothing_is_claimed(operator, tmp_path, begin, covered):
    found = replayed(operator, past_of(operator, tmp_path, begin=begin))
    assert found.covered is covered
    if not covered:
        assert found.verdict.startswith("Cannot tell")
        assert [each.text[:11] for each in found.alerts] == ["Cannot tell"]


def test_rules_of_a_sender_and_rules_that_are_gone_are_named(operator, tmp_path):
    past = past_of(operator, tmp_path)
    incident = operator.fire()
    first = incident.alerts[0]
    sent = replace(first, alert=replace(first.alert, source="prometheus"))
    gone = replace(first, alert=replace(first.alert, name="Renamed"))
    found = replay_incident(operator.context, replace(incident, alerts=(sent, gone)), past)
    assert [each.text for each in found.alerts] == [
        "Sent by prometheus: its rules are not here.",
        "Today's rules have no alert of this name.",
    ]
