"""What is returned when nobody says how much is wanted, or from where on."""

from tests.incidents.operator import make_operator
from tests.incidents.test_diagnose import drift_incident
from trimtab.incidents.loop import job_id
from trimtab.incidents.similar import similar


def test_the_newest_hundred_incidents_are_listed(tmp_path):
    operator = make_operator(tmp_path)
    opened = [operator.fire(component=f"tank {number}").id for number in range(101)]
    newest = set(opened[1:])
    assert {incident.id for incident in operator.incidents.list()} == newest
    assert {incident.id for incident in operator.context.store.find()} == newest
    assert len(operator.incidents.list(limit=101)) == 101


def test_a_journal_starts_with_its_first_entry(tmp_path):
    operator = make_operator(tmp_path)
    incident = operator.fire()
    whole = [entry.seq for entry in operator.incidents.timeline(incident.id, 0)]
    assert whole
    assert [entry.seq for entry in operator.incidents.timeline(incident.id)] == whole
    assert [entry.seq for entry in operator.context.store.timeline(incident.id)] == whole
    assert operator.incidents.timeline(incident.id, whole[-1]) == []


def test_the_three_likest_incidents_are_named():
    now = drift_incident(id="now")
    past = [now.updated(id=f"past {number}") for number in range(4)]
    assert [one.incident_id for one in similar(now, past)] == ["past 0", "past 1", "past 2"]


def test_the_first_job_of_an_incident_counts_no_restarts():
    incident = drift_incident(id="now")
    first = job_id(incident)
    assert first == f"incident:now:{incident.episode.number}"
    assert job_id(incident, 1) == f"{first}:1"
