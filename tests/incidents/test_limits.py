"""How much of the past is looked at, on both sides of each limit, and that nothing active is left out."""

from datetime import timedelta

import pytest

from tests.incidents.records import START, drift_alert, drift_incident
from trimtab.incidents import State
from trimtab.incidents.diagnose import investigate, recent_changes
from trimtab.incidents.loop import job_id
from trimtab.incidents.model import AttachedAlert
from trimtab.incidents.service import Incidents
from trimtab.incidents.signals import signals
from trimtab.incidents.similar import similar
from trimtab.incidents.statements import persons_acts
from trimtab.infra.jobs import JobState, JobStatus, JobUnknown


def keep(operator, *incidents):
    """Write incidents to the store, each opened a minute after the one before."""
    for number, incident in enumerate(incidents):
        dated = incident.updated(opened_at=START + timedelta(minutes=number))
        operator.context.store.open(lambda _id, one=dated: one, "x", ())


def ended(number, **changes):
    mute = drift_alert(name="-", labels={}, annotations={})
    given = {
        "id": f"OLD-{number:04}",
        "state": State.RESOLVED,
        "title": "-",
        "component": "-",
        "system": "",
        "group_key": f"drift {number}",
        "alerts": (AttachedAlert(mute, firing=False, changed_at=START),),
    }
    return drift_incident(**{**given, **changes})


@pytest.mark.feature("F349")
@pytest.mark.parametrize(("newer", "found"), [(499, True), (500, False)])
def test_likeness_is_looked_for_among_the_500_newest_incidents(operator, newer, found):
    like = ended(0, id="LIKE", title="Tank Low", component="tank")
    keep(operator, like, *(ended(number) for number in range(1, newer + 1)))
    operator.world.put(level=1)
    seen = investigate(operator.context, operator.fire()).similar
    assert ([one.incident_id for one in seen] == ["LIKE"]) is found


def test_at_most_three_similar_incidents_are_named_and_the_same_one_is_fully_like_itself():
    now = drift_incident(id="now")
    found = similar(now, [drift_incident(id=f"old-{number}") for number in range(4)])
    assert [(one.incident_id, one.score) for one in found] == [
        ("old-0", 1.0),
        ("old-1", 1.0),
        ("old-2", 1.0),
    ]


def test_incidents_that_share_half_of_their_words_are_half_alike():
    bare = drift_alert(name="aa", labels={}, annotations={})
    alone = (AttachedAlert(bare, firing=True, changed_at=START),)
    now = drift_incident(id="now", title="", component="bb", system="", alerts=alone)
    other = drift_incident(id="other", title="", component="cc", system="", alerts=alone)
    (found,) = similar(now, [other])
    # Of the two words of each, the shared one weighs 1 and the other 1 + ln 2.
    assert found.score == pytest.approx(1 / (1 + 1.6931472**2), abs=0.001)


@pytest.mark.parametrize(("later", "shown"), [(199, 1), (200, 0)])
def test_the_200_newest_events_are_searched_for_what_people_changed(operator, later, shown):
    operator.audit.append("alice", "models.deployed", "classifier_v2")
    for _ in range(later):
        operator.audit.append("operator", "incidents.acted", "INC-1")
    assert len(recent_changes(operator.context)) == shown


def test_an_act_of_a_person_is_told_however_much_was_recorded_since(operator):
    incident = drift_incident(opened_at=operator.clock.now())
    operator.audit.append("alice", "catalog.acted", "tank.refill")
    operator.audit.append("bob", "models.deployed", "classifier_v2")
    operator.audit.append("bob", "catalog.acted", "tank.close_tap")
    for _ in range(220):
        operator.audit.append("operator", "incidents.acted", "INC-1")
    assert persons_acts(operator.context, incident) == [
        "tank.refill at 09:00",
        "tank.close_tap at 09:00",
    ]


@pytest.mark.parametrize(("hours", "seconds", "shown"), [(24, 0, 1), (24, 1, 0)])
def test_a_change_is_recent_for_exactly_the_hours_that_are_set(operator, hours, seconds, shown):
    operator.audit.append("alice", "models.deployed", "classifier_v2")
    operator.clock.advance(hours * 3600 + seconds)
    assert len(recent_changes(operator.context)) == shown


def test_at_most_twenty_changes_are_shown(operator):
    for number in range(21):
        operator.audit.append("alice", "models.deployed", f"v{number}")
    shown = recent_changes(operator.context)
    assert [change.subject for change in shown] == [f"v{number}" for number in range(20, 0, -1)]


def test_an_act_of_a_person_at_the_instant_of_opening_counts(operator):
    operator.audit.append("alice", "catalog.acted", "tank.refill")
    incident = drift_incident(opened_at=operator.clock.now())
    assert persons_acts(operator.context, incident) == ["tank.refill at 09:00"]
    later = incident.updated(opened_at=operator.clock.now() + timedelta(seconds=1))
    assert persons_acts(operator.context, later) == []


def test_lists_end_at_a_hundred_incidents_and_the_active_ones_are_never_cut(operator):
    keep(operator, *(ended(number, state=State.TRIAGED) for number in range(101)))
    assert len(operator.incidents.list()) == 100
    assert len(operator.context.store.find()) == 100
    assert len(operator.context.store.find(active=True, limit=None)) == 101


class Started:
    """Jobs of which none is known, and which remember what was started."""

    def __init__(self, state=None):
        self.started, self.looked, self.state = [], 0, state

    def register(self, kind, body):
        pass

    def start(self, _kind, name, _argument):
        self.started.append(name)

    def send(self, name, _topic, _message):
        self.started.append(name)

    def status(self, name):
        self.looked += 1
        if self.state is None:
            raise JobUnknown(f"There is no job {name}.")
        return JobStatus(name, "incidents.run", self.state, "")


def test_every_active_incident_is_driven_heard_of_and_counted_however_many_there_are(operator):
    firing = AttachedAlert(drift_alert(), firing=True, changed_at=START)
    active = {"state": State.TRIAGED, "alerts": (firing,)}
    keep(operator, *(ended(number, **active) for number in range(101)))
    jobs = Started()
    incidents = Incidents(operator.context, jobs)
    incidents.resume()
    assert len(set(jobs.started)) == 101
    assert len(incidents.firing_alerts()) == 101
    (opened, *_) = signals(operator.context.store, operator.outbox, operator.clock)
    assert sum(sample.value for sample in opened.read()) == 101
    incidents.alert_resolved("alert_drift", operator.clock.now())
    assert incidents.firing_alerts() == []


def test_the_means_are_those_of_the_last_hundred_incidents_without_drills(operator):
    def lasting(number, minutes):
        opened = START + timedelta(minutes=number)
        return ended(
            number,
            diagnosed_at=opened + timedelta(minutes=minutes / 2),
            restored_at=opened + timedelta(minutes=minutes),
        )

    # The oldest but one is the hundredth: it counts, and the oldest does not.
    lasted = [1_000_000, 1010, *[10] * 99]
    keep(operator, *(lasting(number, minutes) for number, minutes in enumerate(lasted)))
    listed = signals(operator.context.store, operator.outbox, operator.clock)
    read = {
        one.name: one.read()[0].value for one in listed if "seconds" in one.name and not one.labels
    }
    assert read["incidents.mttr_seconds"] == 20 * 60
    assert read["incidents.time_to_diagnose_seconds"] == 10 * 60


def test_after_a_thousand_failed_jobs_the_next_one_still_starts(operator):
    incident = operator.fire()
    jobs = Started(JobState.FAILED)
    Incidents(operator.context, jobs).resume()
    assert (jobs.looked, jobs.started) == (1000, [job_id(incident, 1000)])
