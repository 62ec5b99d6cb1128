"""The loop outlives what is broken, and one broken incident keeps the others from nothing."""

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.incidents.operator import alert
from tests.incidents.world import TAP
from trimtab.incidents import State
from trimtab.incidents.loop import KIND, Loop, job_id
from trimtab.incidents.rows import INCIDENTS
from trimtab.infra.jobs import JobState, JobUnknown
from trimtab.kernel.errors import TrimtabError


def damage(operator, incident_id):
    """Make an incident's record unreadable."""
    with operator.context.store._database.write() as connection:
        connection.execute(
            sa.update(INCIDENTS).where(INCIDENTS.c.id == incident_id).values(document="{")
        )


@pytest.fixture
def two(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    damaged = operator.fire(component="other")
    well = operator.fire()
    damage(operator, damaged.id)
    return operator, damaged, well


def test_a_damaged_incident_keeps_the_others_from_nothing(two):
    operator, damaged, well = two
    assert [found.id for found in operator.incidents.list()] == [well.id]
    operator.incidents.resume()
    operator.incidents.alert_resolved(well.alert.fingerprint, operator.clock.now())
    # The damaged one is driven first; it gives up its turn each time.
    hour = operator.clock.monotonic() + 3600
    operator.jobs.run(until=lambda: operator.clock.monotonic() > hour)
    assert operator.jobs.status(job_id(damaged)).state is JobState.RUNNING
    loop = Loop(operator.context)
    while operator.incidents.get(well.id).state is not State.RESOLVED:
        operator.clock.advance(max(0.0, loop.advance(well.id, 1)))


def test_an_alert_of_a_damaged_incident_opens_another_one(two):
    operator, damaged, _ = two
    again = operator.incidents.alert_fired(alert(operator.clock.now(), component="other"))
    assert again.id != damaged.id


def test_no_older_incident_of_the_group_takes_the_place_of_a_damaged_one(two):
    operator, _, well = two
    store, at = operator.context.store, well.episode.opened_at + timedelta(minutes=1)
    over = replace(well, state=State.RESOLVED).updated(opened_at=at, resolved_at=at)
    later = store.open(lambda name: replace(over, id=name), "INC-later", ())
    assert store.latest_of_group(well.group_key).id == later.id
    damage(operator, later.id)
    assert store.latest_of_group(well.group_key) is None


def test_a_failure_that_cannot_even_be_written_down_is_tried_again(operator, monkeypatch):
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    full = sqlite3.OperationalError("database or disk is full")

    def fail(*_args, **_kwargs):
        raise full

    monkeypatch.setattr(operator.context.store, "apply", fail)
    monkeypatch.setattr(operator.context.store, "note", fail)
    waited = []
    operator.jobs.while_waiting = lambda _topic: waited.append(operator.clock.monotonic())
    operator.jobs.run(until=lambda: len(waited) >= 3)
    assert operator.jobs.status(job_id(incident)).state is JobState.RUNNING
    monkeypatch.undo()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state != "detected")
    assert operator.incidents.get(incident.id).state is not State.DETECTED


def test_an_incident_whose_job_has_failed_gets_another_one(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    incident = operator.fire()

    def die(_run, _argument):
        raise RuntimeError("the engine lost it")

    operator.jobs.register(KIND, die)
    operator.jobs.run()
    assert operator.jobs.status(job_id(incident)).state is JobState.FAILED
    operator.jobs.register(KIND, Loop(operator.context).body)
    operator.incidents.resume()
    operator.jobs.run()
    assert operator.incidents.get(incident.id).state is State.RESOLVED
    assert operator.jobs.status(job_id(incident, 1)).state is JobState.DONE


def test_one_job_that_cannot_start_keeps_the_others_from_nothing(operator, monkeypatch):
    operator.world.put(level=1)
    first, second = operator.fire(), operator.fire(component="other")
    started = []

    def start(_kind, name, _argument):
        started.append(name)
        if name == job_id(second):
            raise RuntimeError("not this one")

    def lost(name):
        raise JobUnknown(f"There is no job {name}.")

    monkeypatch.setattr(operator.jobs, "start", start)
    monkeypatch.setattr(operator.jobs, "status", lost)
    operator.incidents.resume()
    assert set(started) == {job_id(first), job_id(second)}


class Busy(TrimtabError):
    """Something that will be better soon."""

    retryable = True


def test_a_turn_that_fails_for_a_moment_is_tried_again_in_five_seconds(operator):
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    loop = Loop(operator.context)
    loop.advance(incident.id, 1)

    def busy(_fingerprint):
        raise Busy("busy")

    operator.world.firing = busy
    before = operator.texts(incident.id)
    assert loop.advance(incident.id, 1) == 5.0
    assert operator.texts(incident.id) == before


def test_a_failure_that_cannot_be_written_down_is_tried_again_in_a_minute(operator, monkeypatch):
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    loop = Loop(operator.context)
    monkeypatch.setattr(operator.context.store, "get", lambda _id: 1 / 0)
    assert loop.safe_advance(incident.id, 1) == 60.0


def test_incidents_are_found_by_whether_they_are_over(operator):
    first = operator.fire()
    operator.jobs.run()
    operator.world.put(level=1)
    operator.clock.advance(86_400)
    second = operator.fire()
    found = operator.context.store.find
    assert [one.id for one in found()] == [second.id, first.id]
    assert [one.id for one in found(active=True)] == [second.id]
    assert [one.id for one in found(active=False)] == [first.id]
    assert [one.id for one in found(limit=1)] == [second.id]
