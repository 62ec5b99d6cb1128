"""The incident of a drill is in the drills' record and in no other list, count, figure or page."""

from datetime import timedelta

import pytest

from tests.drills.tank import Tank
from tests.faces import app, app_of, settings_of, tank  # noqa: F401 - fixtures.
from tests.incidents.world import TAP
from trimtab.drills.run import run_drill
from trimtab.incidents import State
from trimtab.incidents.signals import signals


@pytest.fixture
def drilled(tank):  # noqa: F811 - the fixture above.
    """The faces of a service whose tank was drilled, and the drill's incident."""
    result = run_drill(Tank(tank.operator), TAP)
    assert result.passed, result
    return tank, result.incident_id


def test_the_incident_of_a_drill_is_listed_as_the_drills_record_alone(drilled):
    faces, incident_id = drilled
    client = faces.client()

    def listed(**asked):
        found = client.get("/v1/incidents", params=asked).json()["incidents"]
        return [incident["id"] for incident in found]

    assert listed() == listed(active=False) == listed(active=True) == []
    assert listed(drills=True) == listed(drills=True, active=False) == [incident_id]
    assert listed(drills=True, active=True) == []
    assert client.get(f"/v1/incidents/{incident_id}").json()["drill"] is True
    assert client.get("/v1/status").json()["incidents"] == []


def test_the_console_shows_the_incident_of_a_drill_under_drills_only(drilled):
    faces, incident_id = drilled
    client = faces.client()
    for page in ("/console", "/console/overview/live", "/console/incidents"):
        assert incident_id not in client.get(page).text, page
    for page in ("/console/incidents", "/console/incidents/live"):
        assert incident_id in client.get(page, params={"drills": True}).text, page
        assert incident_id not in client.get(page, params={"drills": False}).text, page


def test_the_post_mortem_of_a_drill_is_still_to_be_read(drilled):
    faces, incident_id = drilled
    assert incident_id in faces.client().get(f"/v1/incidents/{incident_id}/postmortem").text


def test_no_signal_counts_the_incident_of_a_drill(drilled):
    operator = drilled[0].operator
    keep = operator.context.store.change
    now = operator.clock.now()

    def figures():
        found = signals(operator.context.store, operator.outbox, operator.clock)
        return {
            one.name: [str(sample.value) for sample in one.read()]
            for one in found
            if one.name.startswith("incidents.")
        }

    with operator.incidents.drill():
        before = figures()
        incident = operator.fire(component="other")
    for state in (State.TRIAGED, State.ESCALATED):
        keep(incident.id, lambda fresh, state=state: fresh.updated(state=state), now)
        assert figures() == before, state
    assert operator.context.store.find(active=True) != []


def test_a_later_incident_finds_no_similar_one_among_drills(drilled):
    operator = drilled[0].operator
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    get = operator.incidents.get
    operator.jobs.run(until=lambda: get(incident.id).episode.diagnosis is not None)
    assert get(incident.id).episode.diagnosis.similar == ()


def test_the_acts_of_a_drill_use_up_nothing_of_the_hours_limit(tank):  # noqa: F811 - a fixture.
    operator = tank.operator
    operator.prove(TAP)
    run_drill(Tank(operator), TAP)
    hour_ago = operator.clock.now() - timedelta(hours=1)
    assert operator.context.store.automatic_acts_since(hour_ago) == 0
    assert operator.context.store.automatic_acts_since(hour_ago, drills=True) > 0


def test_an_alert_of_users_after_a_drill_opens_an_incident_of_its_own(tank):  # noqa: F811 - a fixture.
    operator = tank.operator
    operator.world.put(tap=1, level=1)
    with operator.incidents.drill():
        of_drill = operator.fire()
        assert operator.fire(instance="b").id == of_drill.id
    assert operator.incidents.get(of_drill.id).active
    users = operator.fire()
    assert (users.id != of_drill.id, users.drill) == (True, False)
    assert [found.id for found in operator.incidents.list(active=True)] == [users.id]


def test_a_damaged_record_keeps_no_list_from_being_read(drilled):
    operator = drilled[0].operator
    users = operator.fire(component="other")
    with operator.context.store._database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO incidents"
            " (id, state, severity, system, group_key, opened_at, updated_at, resolved_at, document)"
            " SELECT 'INC-X', state, severity, system, group_key, opened_at, updated_at,"
            " resolved_at, '{' FROM incidents LIMIT 1"
        )
    assert [found.id for found in operator.incidents.list()] == [users.id]
    assert len(operator.incidents.list(drills=True)) == 1
