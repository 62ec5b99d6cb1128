"""Response times of past incidents, by severity and system."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.incidents.intake.desk import make_desk, posted, sent
from tests.incidents.operator import until
from tests.incidents.records import START, drift_incident
from trimtab.incidents import State
from trimtab.incidents.clocks import ResponseClock
from trimtab.incidents.model import Acknowledgement, Episode, IncidentSeverity
from trimtab.incidents.people import People
from trimtab.incidents.report import report_of


def test_the_times_of_an_incident_are_those_of_its_records(tmp_path):
    desk = make_desk(tmp_path)
    begun = desk.clock.now()
    desk.later(seconds=90)
    desk.post(posted(severity="critical", system="shop", at=begun))
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    desk.later(seconds=60)
    acknowledged = (desk.clock.now() - incident.episode.opened_at).total_seconds()
    people = People(desk.incidents.context, desk.incidents, desk.intake)
    people.acknowledge(incident.id, "alice")
    desk.later(seconds=60)
    people.acknowledge(incident.id, "alice")  # Extended: the first one counts.
    report = desk.incidents.report(1)
    (severity,), (system,) = report.by_severity, report.by_system
    assert (severity.name, system.name, severity.incidents) == ("P1", "SHOP", 1)
    assert severity.detect.mean == 90.0
    assert severity.acknowledge.mean == acknowledged
    assert (severity.repair.count, severity.repair.mean) == (0, None)


def test_missed_and_kept_clocks_are_counted(tmp_path):
    desk = make_desk(tmp_path)
    desk.webhook(sent(severity="critical"))
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    desk.later(hours=3)
    counts = {each.clock: (each.kept, each.missed) for each in desk.incidents.report(1).clocks}
    assert counts["triage"] == (1, 0)
    assert counts["resolution"] == (0, 1)


def test_incidents_before_the_period_and_of_drills_are_left_out(tmp_path):
    desk = make_desk(tmp_path)
    desk.webhook(sent())
    desk.webhook(sent(name="Other", drill="true"))
    assert desk.incidents.report(1).incidents == 1
    desk.later(days=2)
    assert desk.incidents.report(1).incidents == 0


def incident(name, opened, **episode):
    """Return a past incident of that severity; its times are seconds after its opening."""
    known = {
        f"{stage}_at": opened + timedelta(seconds=seconds)
        for stage, seconds in episode.items()
        if stage != "acknowledged"
    }
    if "acknowledged" in episode:
        at = opened + timedelta(seconds=episode["acknowledged"])
        known["acknowledged"] = Acknowledgement("alice", at, at)
    found = drift_incident(severity=IncidentSeverity(name))
    return replace(found, episode=Episode(1, opened, **known))


def reported(*incidents, since=START, until_=START, clocks=lambda _: ()):
    return report_of(incidents, clocks, (since, until_))


@pytest.mark.parametrize(("seconds", "counted"), [(-1, 0), (0, 1), (10, 1), (11, 0)])
def test_incidents_that_opened_at_the_ends_of_the_period_count(seconds, counted):
    found = incident("P1", START + timedelta(seconds=seconds))
    report = reported(found, until_=START + timedelta(seconds=10))
    assert report.incidents == counted


def test_times_are_from_the_opening_to_each_stage():
    found = incident("P1", START, acknowledged=10, diagnosed=20, restored=30)
    (times,) = reported(found).by_severity
    assert (times.acknowledge.mean, times.diagnose.mean, times.repair.mean) == (10, 20, 30)
    assert (times.acknowledge.count, times.diagnose.count, times.repair.count) == (1, 1, 1)


def test_a_time_that_is_not_known_is_not_zero():
    (times,) = reported(incident("P1", START)).by_severity
    for each in (times.acknowledge, times.diagnose, times.repair):
        assert (each.count, each.mean, each.p95) == (0, None, None)


def test_an_alert_that_began_after_its_incident_was_detected_at_once():
    found = incident("P1", START - timedelta(seconds=5))  # Its alert fired at the start.
    (times,) = reported(found, since=START - timedelta(hours=1)).by_severity
    assert times.detect.mean == 0


def test_the_slowest_of_a_few_incidents_is_the_95th_percentile():
    three = [incident("P1", START, restored=seconds) for seconds in (10, 40, 1000)]
    (times,) = reported(*three).by_severity
    assert (times.repair.mean, times.repair.p95) == (350, 1000)
    many = [incident("P1", START, restored=seconds) for seconds in range(1, 101)]
    (times,) = reported(*many).by_severity
    assert times.repair.p95 == 95


def test_severities_are_reported_apart_and_in_their_order():
    found = reported(incident("P2", START), incident("P0", START), incident("P2", START))
    assert [(each.name, each.incidents) for each in found.by_severity] == [("P0", 1), ("P2", 2)]


def test_a_clock_that_runs_counts_only_when_it_is_missed():
    def clock(stopped, breached):
        return ResponseClock("triage", START, stopped, 60.0, 0.0, breached=breached)

    clocks = {
        "P0": clock(None, breached=False),
        "P1": clock(START, breached=False),
        "P2": clock(START, breached=True),
        "P3": clock(None, breached=True),
    }
    report = reported(
        *(incident(name, START) for name in clocks),
        clocks=lambda each: [clocks[each.severity.value]],
    )
    (counts,) = report.clocks
    assert (counts.kept, counts.missed) == (1, 2)
