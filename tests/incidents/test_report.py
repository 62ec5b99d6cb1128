"""Response times of past incidents, by severity and system."""

from tests.incidents.intake.desk import make_desk, posted, sent
from tests.incidents.operator import until
from trimtab.incidents import State
from trimtab.incidents.people import People


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
