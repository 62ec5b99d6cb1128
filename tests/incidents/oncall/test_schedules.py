"""Who is on call: rotations in the wall-clock time of a place, hours, overrides."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.databases import open_at
from tests.incidents.intake.desk import make_desk, sent
from tests.incidents.operator import until
from trimtab.incidents import Incidents, State
from trimtab.incidents.errors import OnCallFileRefused, OnCallRefused, ScheduleUnknown
from trimtab.incidents.oncall import OnCall
from trimtab.incidents.oncall.schedules import load_schedules
from trimtab.incidents.oncall.store import OverrideStore
from trimtab.infra.audit import Audit
from trimtab.testing.clock import FakeClock

pytestmark = pytest.mark.usefixtures("databases")

FILE = """
schedules:
  primary:
    role: On-Call Engineer
    people: [alice, bob, carol]
    time_zone: Europe/Berlin
    start: 2026-03-09 09:00
    turn: 1w
"""


def schedules(folder, text=FILE):
    file = folder / "oncall.yaml"
    file.write_text(text)
    return load_schedules(str(file))


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def on_call(tmp_path):
    clock = FakeClock()
    database = open_at(tmp_path / "state.db", ("state", "incidents"))
    return OnCall(schedules(tmp_path), OverrideStore(database), Audit(database, clock), clock)


@pytest.mark.parametrize(
    ("when", "person"),
    [
        ("2026-03-09T07:59", ""),  # 08:59 in Berlin: before the first turn.
        ("2026-03-09T08:00", "alice"),
        ("2026-03-16T07:59", "alice"),
        ("2026-03-16T08:00", "bob"),
        ("2026-03-30T06:59", "carol"),  # Summer time since the day before: 08:59 in Berlin.
        ("2026-03-30T07:00", "alice"),
    ],
)
def test_a_turn_changes_at_the_same_wall_clock_time_all_year(tmp_path, when, person):
    (schedule,) = schedules(tmp_path)
    assert schedule.person_at(at(when)) == person


def test_the_next_change_is_the_end_of_the_turn(tmp_path):
    (schedule,) = schedules(tmp_path)
    assert schedule.next_change(at("2026-03-01T00:00")) == at("2026-03-09T08:00")
    assert schedule.next_change(at("2026-03-10T00:00")) == at("2026-03-16T08:00")
    assert schedule.next_change(at("2026-03-24T00:00")) == at("2026-03-30T07:00")


def test_the_next_change_of_a_turn_that_begins_now_is_its_end(tmp_path):
    (schedule,) = schedules(tmp_path)
    assert schedule.next_change(at("2026-03-09T08:00")) == at("2026-03-16T08:00")
    assert schedule.next_change(at("2026-03-09T07:59")) == at("2026-03-09T08:00")


@pytest.mark.parametrize(
    ("turn", "hours"), [("12h", 12), ("1h", 1), ("1d", 24), ("3d", 72), ("2w", 336)]
)
def test_a_turn_is_a_number_of_hours_days_or_weeks(tmp_path, turn, hours):
    text = "schedules: {a: {role: R, people: [x, y], start: 2026-03-02, turn: TURN}}"
    (schedule,) = schedules(tmp_path, text.replace("TURN", turn))
    end = at("2026-03-02T00:00") + timedelta(hours=hours)
    second = timedelta(seconds=1)
    assert [schedule.person_at(when) for when in (end - second, end)] == ["x", "y"]


HOURS = """
schedules:
  a: {role: R, people: [x], start: 2026-03-01, days: [sat], from: "%s", to: "%s"}
"""


@pytest.mark.parametrize(
    ("hours", "when", "counts"),
    [
        (("09:00", "17:00"), "2026-03-14T08:59", False),  # A Saturday.
        (("09:00", "17:00"), "2026-03-14T09:00", True),
        (("09:00", "17:00"), "2026-03-14T16:59", True),
        (("09:00", "17:00"), "2026-03-14T17:00", False),
        (("09:00", "17:00"), "2026-03-15T12:00", False),
        (("22:00", "06:00"), "2026-03-14T05:59", False),
        (("22:00", "06:00"), "2026-03-14T21:59", False),
        (("22:00", "06:00"), "2026-03-14T22:00", True),
        (("22:00", "06:00"), "2026-03-15T05:59", True),
        (("22:00", "06:00"), "2026-03-15T06:00", False),
        (("22:00", "06:00"), "2026-03-16T05:59", False),
        (("00:00", "00:00"), "2026-03-13T23:59", False),
        (("00:00", "00:00"), "2026-03-14T00:00", True),
        (("00:00", "00:00"), "2026-03-14T23:59", True),
        (("00:00", "00:00"), "2026-03-15T00:00", False),
    ],
)
def test_a_schedule_counts_on_its_days_and_in_its_hours(tmp_path, hours, when, counts):
    (schedule,) = schedules(tmp_path, HOURS % hours)
    assert bool(schedule.person_at(at(when))) is counts


def test_without_a_file_there_are_no_schedules():
    assert load_schedules("") == ()


NIGHT = """
schedules:
  day: {role: R, people: [dan], start: 2026-03-01, turn: 1d}
  night: {role: R, people: [nora], start: 2026-03-01, turn: 1d, days: [fri], from: "22:00", to: "06:00"}
"""


@pytest.mark.parametrize(
    ("when", "person"),
    [
        ("2026-03-13T21:59", "dan"),  # A Friday.
        ("2026-03-13T22:00", "nora"),
        ("2026-03-14T05:59", "nora"),
        ("2026-03-14T06:00", "dan"),
        ("2026-03-14T22:00", "dan"),
    ],
)
def test_of_two_schedules_for_a_role_the_later_one_counts_in_its_hours(
    tmp_path, on_call, when, person
):
    on_call.schedules = schedules(tmp_path, NIGHT)
    assert on_call.person_for("R", at(when)) == person


def test_nobody_is_known_for_a_role_without_a_schedule(on_call):
    assert on_call.person_for("CTO", at("2026-03-14T09:00")) == ""


def test_an_override_counts_from_its_start_to_its_end(on_call):
    times = (at("2026-03-14T12:00"), at("2026-03-14T18:00"))
    added = on_call.override("primary", "dave", times, "alice")
    people = {
        hour: on_call.person_for("On-Call Engineer", at(f"2026-03-14T{hour}"))
        for hour in ("11:59", "12:00", "17:59", "18:00")
    }
    assert people == {"11:59": "alice", "12:00": "dave", "17:59": "dave", "18:00": "alice"}
    on_call.end_override(added.id, "alice")
    assert on_call.person_for("On-Call Engineer", at("2026-03-14T12:00")) == "alice"
    with pytest.raises(ScheduleUnknown):
        on_call.end_override(added.id, "alice")


def test_an_override_without_a_person_a_schedule_or_a_time_is_refused(on_call):
    times = (at("2026-03-14T12:00"), at("2026-03-14T18:00"))
    with pytest.raises(ScheduleUnknown):
        on_call.override("nope", "dave", times, "alice")
    with pytest.raises(OnCallRefused):
        on_call.override("primary", " ", times, "alice")
    with pytest.raises(OnCallRefused):
        on_call.override("primary", "dave", times[::-1], "alice")


def test_the_name_of_a_person_has_200_characters_at_most(on_call):
    times = (at("2026-03-14T12:00"), at("2026-03-14T18:00"))
    assert on_call.override("primary", "x" * 200, times, "alice").person == "x" * 200
    with pytest.raises(OnCallRefused):
        on_call.override("primary", "x" * 201, times, "alice")


def test_an_override_ends_after_its_start_and_after_now(on_call):
    now = on_call._clock.now()
    second = timedelta(seconds=1)
    on_call.override("primary", "dave", (now, now + second), "alice")
    for times in ((now + second, now + second), (now - second, now)):
        with pytest.raises(OnCallRefused, match="ends before it starts, or in the past"):
            on_call.override("primary", "dave", times, "alice")


def test_an_override_is_listed_until_it_ends_with_all_that_was_given(on_call):
    now = on_call._clock.now()
    added = on_call.override("primary", "dave", (now, now + timedelta(hours=1)), "alice")
    (listed,) = on_call.overrides()
    assert listed == added
    assert (listed.person, listed.created_by, listed.starts_at) == ("dave", "alice", now)
    on_call._clock.advance(3600)
    assert on_call.overrides() == []


def test_the_next_change_is_told_with_overrides_that_run_or_come(on_call):
    (now_on,) = on_call.at(at("2026-03-14T11:00"))
    assert (now_on.person, now_on.override, now_on.until) == ("alice", None, at("2026-03-16T08:00"))
    times = (at("2026-03-14T12:00"), at("2026-03-14T18:00"))
    added = on_call.override("primary", "dave", times, "alice")
    assert on_call.at(at("2026-03-14T11:00"))[0].until == times[0]
    (during,) = on_call.at(times[0])
    assert (during.person, during.override, during.until) == ("dave", added, times[1])
    assert on_call.at(times[1])[0].until == at("2026-03-16T08:00")


def test_an_override_of_another_schedule_changes_nothing_here(tmp_path, on_call):
    on_call.schedules = schedules(tmp_path, NIGHT)
    times = (at("2026-03-14T12:00"), at("2026-03-14T18:00"))
    on_call.override("night", "dave", times, "alice")
    found = {each.schedule: each.person for each in on_call.at(at("2026-03-14T13:00"))}
    assert found == {"day": "dan", "night": "dave"}


def test_overrides_are_in_the_audit_chain_under_the_key(on_call):
    times = (at("2026-03-14T12:00"), at("2026-03-14T18:00"))
    added = on_call.override("primary", "dave", times, "alice")
    on_call.end_override(added.id, "bob")
    ended, begun = on_call._audit.recent(2)
    assert (begun.actor, begun.action, begun.subject) == ("alice", "oncall.overridden", added.id)
    assert json.loads(begun.facts) == {
        "schedule": "primary",
        "person": "dave",
        "ends_at": "2026-03-14T18:00:00+00:00",
    }
    assert (ended.actor, ended.action, ended.subject) == ("bob", "oncall.override_ended", added.id)


@pytest.mark.parametrize(
    "text",
    [
        "schedules: {a: {role: R, people: [], start: 2026-01-01}}",
        "schedules: {a: {role: R, people: [x], start: soon}}",
        "schedules: {a: {role: R, people: [x], start: 2026-01-01, turn: often}}",
        "schedules: {a: {role: R, people: [x], start: 2026-01-01, time_zone: Mars}}",
        "schedules: {a: {people: [x], start: 2026-01-01}}",
        "[",
    ],
)
def test_a_file_with_a_mistake_is_refused_at_the_start(tmp_path, text):
    with pytest.raises(OnCallFileRefused):
        schedules(tmp_path, text)


def test_the_ladder_calls_the_person_who_is_on_call(tmp_path, on_call):
    from dataclasses import replace

    folder = tmp_path / "desk"
    folder.mkdir()
    desk = make_desk(folder)
    context = replace(desk.incidents.context, on_call=on_call)
    desk.operator.jobs._bodies.clear()
    incidents = Incidents(context, desk.operator.jobs)
    desk.intake._context = replace(desk.intake._context, incidents=incidents)
    desk.operator.incidents = incidents
    desk.webhook(sent(severity="critical"))
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    first = incidents.notifications(incident.id)[0]
    assert (first.role, first.person) == ("On-Call Engineer", "alice")
    assert first.text.startswith("On-Call Engineer (alice): ")
    channels = {message.channel for message in desk.operator.outbox.about(incident.id)}
    assert "@alice" in channels
    assert timedelta(0) <= desk.clock.now() - incident.episode.opened_at
