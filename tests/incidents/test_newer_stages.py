"""Exact edges of what alerts from outside and acknowledgements have added to the stages."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from trimtab.incidents.escalation import seconds_to_next_rung
from trimtab.incidents.intake import Matcher, SilenceRequest
from trimtab.incidents.intake import module as intake
from trimtab.incidents.intake.config import load_config
from trimtab.incidents.model import Acknowledgement, IncidentSeverity
from trimtab.incidents.module import _prometheus
from trimtab.incidents.ports import NoOutsideAlerts
from trimtab.incidents.triage import raise_severity
from trimtab.incidents.verify import _look
from trimtab.infra.dependencies import Dependencies
from trimtab.infra.settings.sections.incidents import IncidentSettings
from trimtab.kernel.clock import SystemClock
from trimtab.monitoring.prometheus import PrometheusSource


def test_nothing_is_due_before_an_acknowledgement_ends_and_the_ladder_is_from_then_on(operator):
    operator.world.put(level=1)
    incident, now = operator.fire(), operator.clock.now()
    by_ladder = seconds_to_next_rung(operator.context, incident)

    def seconds(until):
        held = incident.updated(acknowledged=Acknowledgement("alice", now, until))
        return seconds_to_next_rung(operator.context, held)

    assert seconds(now + timedelta(seconds=7)) == 7
    assert seconds(now + timedelta(days=7)) == 7 * 86_400
    assert by_ladder != 0
    assert seconds(now) == by_ladder


@pytest.mark.parametrize(("seconds", "raised"), [(-1, True), (0, False), (1, False)])
def test_an_alert_that_fired_when_a_person_set_the_severity_does_not_raise_it(
    operator, seconds, raised
):
    operator.world.put(level=1)
    incident = operator.fire(severity="P1")
    fired = incident.alerts[0].changed_at
    low = incident.updated(
        severity=IncidentSeverity.P3,
        triaged_at=fired,
        severity_set_at=fired + timedelta(seconds=seconds),
    )
    assert (raise_severity(operator.context, low) is not None) is raised


def test_an_outside_alert_beyond_the_record_keeps_a_repair_from_being_verified(operator):
    class Outside(NoOutsideAlerts):
        def firing_in(self, _incident_id):
            return 2

    incident = operator.fire()  # Its own alert is quiet: the tank is full.
    context = replace(operator.context, outside=Outside())
    assert _look(context, incident, ()).failing == ["2 alerts fire"]
    operator.world.put(level=1)
    assert _look(context, incident, ()).failing == ["alert TankLow fires"]
    operator.world.put(level=9)
    assert _look(operator.context, incident, ()).failing == []


def test_incidents_of_a_group_count_from_the_very_instant_on(operator):
    operator.world.put(level=1)
    incident, opened = operator.fire(), operator.clock.now()
    store = operator.context.store
    assert store.of_group_since(incident.group_key, opened) == [incident.id]
    assert store.of_group_since(incident.group_key, opened + timedelta(seconds=1)) == []
    assert store.of_group_since("other", opened) == []


def test_a_prometheus_is_asked_only_when_one_is_configured():
    def env(url):
        monitor = SimpleNamespace(
            prometheus_url=url, prometheus_timeout_seconds=5.0, prometheus_token=""
        )
        return SimpleNamespace(
            settings=SimpleNamespace(monitor=monitor), dependencies=Dependencies(SystemClock())
        )

    assert _prometheus(env("")) is None
    assert isinstance(_prometheus(env("http://p.test")), PrometheusSource)


@pytest.fixture
def built(operator):
    """Return the module of the intake around the operator, and the records of its alerts."""
    env = SimpleNamespace(
        state=operator.context.store._database,
        settings=SimpleNamespace(incidents=IncidentSettings()),
        clock=operator.clock,
        audit=operator.audit,
    )
    records = intake.build_records(env).service
    made = intake.build(env, records, operator.incidents, operator.world)
    return env, records, made


def test_pending_alerts_are_reported_every_five_seconds_and_old_ones_deleted_every_hour(built):
    _, _, made = built
    assert {each.name: each.every_seconds for each in made.scheduled} == {
        "report received alerts": 5.0,
        "forget old alerts": 3600.0,
    }


def test_one_waiting_report_is_enough_for_any_number_of_requests(built):
    _, _, made = built
    alert = {"labels": {"alertname": "A"}}
    (worker,) = made.tasks
    for number in range(3):
        made.service.receive_posted([alert | {"labels": {"alertname": str(number)}}])
    assert worker.run_waiting() == 1


def test_a_silence_takes_effect_at_once(built, operator):
    env, records, made = built
    silences = intake.build_silences(env, records, made.service).service
    now = operator.clock.now()
    made.service.receive_posted([{"labels": {"alertname": "A"}}])
    request = SilenceRequest(
        (Matcher("alertname", "A"),), now, now + timedelta(hours=1), "bob", "planned"
    )
    silences.put(request, "alice")
    made.service.process()
    assert operator.incidents.list() == []


def test_the_shipped_groups_and_inhibitions_are_loaded(built):
    _, records, _ = built
    assert records.config == load_config()
    assert records.config.group_by == ("alertname", "cluster", "namespace", "service")
