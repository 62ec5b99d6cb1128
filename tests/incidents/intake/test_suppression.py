"""Silences, maintenance windows and inhibition: what is suppressed opens nothing and pages nobody."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.incidents.intake.desk import make_desk, posted, sent, silence
from tests.incidents.operator import alert, until
from trimtab.incidents import State, deliver
from trimtab.incidents.errors import (
    AlertsFileRefused,
    MatcherRefused,
    SilenceRefused,
    SilenceUnknown,
)
from trimtab.incidents.escalation import rungs_due
from trimtab.incidents.intake import Matcher, SilenceRequest
from trimtab.incidents.intake.config import load_config
from trimtab.incidents.intake.matchers import matcher_text, matches, parse_matcher
from trimtab.incidents.intake.model import ReceivedState
from trimtab.incidents.intake.suppression import InhibitIndex
from trimtab.incidents.model import Acknowledgement, IncidentSeverity
from trimtab.incidents.people import Declaration, People
from trimtab.monitoring.alerts import Alert, AlertFired, AlertResolved, AlertState


def test_a_silenced_alert_opens_an_incident_when_the_silence_ends(desk):
    silence(desk, minutes=10)
    desk.post(posted())
    assert desk.open() == []
    desk.later(minutes=9)
    desk.intake.process()
    assert desk.open() == []
    desk.later(minutes=2)
    desk.intake.process()
    assert len(desk.open()) == 1


def test_what_a_person_declares_is_open_whatever_is_silenced(desk):
    silence(desk, "alertname=DeclaredIncident")
    people = People(desk.incidents.context, desk.incidents, desk.intake)
    declared = people.declare(Declaration("Checkout is down", IncidentSeverity.P1), "alice")
    assert [incident.id for incident in desk.open()] == [declared.id]


def test_a_silenced_alert_that_ends_meanwhile_opens_nothing(desk):
    silence(desk, minutes=10)
    desk.webhook(sent())
    desk.webhook(sent("resolved"))
    desk.later(minutes=11)
    desk.intake.process()
    assert desk.open() == []


def test_a_pending_silence_mutes_nothing_yet(desk):
    silence(desk, start=5)
    desk.post(posted())
    assert len(desk.open()) == 1


def test_a_silence_of_other_alerts_mutes_nothing(desk):
    silence(desk, "alertname=DiskFull", "cluster=b")
    desk.post(posted(cluster="a"))
    assert len(desk.open()) == 1


def test_a_silence_stops_the_ladder_of_an_open_incident(desk):
    desk.post(posted(severity="critical"))
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    called = desk.incidents.get(incident.id).episode.called
    silence(desk, minutes=60)
    desk.intake.process()
    begin = desk.clock.now()
    desk.operator.jobs.while_waiting = lambda _topic: desk.intake.process()
    desk.operator.jobs.run(until=lambda: desk.clock.now() > begin + timedelta(minutes=50))
    assert desk.incidents.get(incident.id).episode.called == called
    desk.operator.jobs.run(until=lambda: desk.clock.now() > begin + timedelta(minutes=62))
    after = desk.incidents.get(incident.id).episode
    # One person is paged, not everybody whose turn came in that hour.
    assert after.called == (*called, "Engineering Manager")
    assert after.passed_over == ("Secondary On-Call Engineer", "Team Lead")
    told = [message.text for message in desk.operator.outbox.about(incident.id)]
    assert not any("Team Lead" in text for text in told)
    journal = [entry.text for entry in desk.incidents.timeline(incident.id)]
    assert any(
        text.startswith("Not called: Secondary On-Call Engineer, Team Lead") for text in journal
    )
    desk.operator.jobs.run(until=lambda: desk.clock.now() > begin + timedelta(minutes=100))
    assert desk.incidents.get(incident.id).episode.called == after.called


def test_a_rung_that_was_late_for_another_reason_than_a_silence_is_called(desk):
    desk.post(posted(severity="critical"))
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    desk.later(minutes=20)  # As when the service was down: nothing was held back.
    due = rungs_due(desk.operator.context, desk.incidents.get(incident.id))
    assert due.incident.episode.called[-2:] == ("Secondary On-Call Engineer", "Team Lead")


@pytest.mark.parametrize(
    ("begins", "ends", "held"), [(0, 1, True), (1, 2, False), (-1, 0, False), (-1, 1, True)]
)
def test_a_rung_is_passed_over_when_its_time_came_during_an_acknowledgement(
    desk, begins, ends, held
):
    desk.post(posted(severity="critical"))
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    desk.later(minutes=20)
    incident, context = desk.incidents.get(incident.id), desk.operator.context
    first, _ = context.ladder_of(incident).due(incident, timedelta(minutes=20))
    due_at = incident.episode.opened_at + first.after
    begin, end = (due_at + timedelta(seconds=seconds) for seconds in (begins, ends))
    incident = incident.updated(acknowledged=Acknowledgement("alice", begin, end))
    found = rungs_due(context, incident)
    assert (first.role in found.incident.episode.called) is not held
    assert ({"roles": [first.role]} in [entry.facts for entry in found.entries]) is held


def test_a_silence_of_one_of_two_alerts_does_not_stop_the_ladder(desk):
    desk.post(posted(severity="critical", instance="a"), posted(severity="critical", instance="b"))
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    silence(desk, "instance=a")
    desk.intake.process()
    assert not desk.operator.context.silenced(desk.incidents.get(incident.id))


def test_a_silence_that_is_ended_mutes_no_longer(desk):
    found = silence(desk)
    desk.post(posted())
    desk.silences.expire(found.id, "alice")
    desk.intake.process()
    assert len(desk.open()) == 1
    with pytest.raises(SilenceUnknown):
        desk.silences.expire(found.id, "alice")


def test_a_silence_survives_a_restart(tmp_path):
    silence(make_desk(tmp_path))
    desk = make_desk(tmp_path)
    desk.post(posted())
    assert desk.open() == []


def test_every_change_of_a_silence_is_in_the_audit_chain_under_the_key(desk):
    found = silence(desk)
    desk.silences.expire(found.id, "carol")
    events = [(e.actor, e.action, e.subject) for e in desk.operator.audit.recent(2)]
    assert events == [
        ("carol", "incidents.silence_ended", found.id),
        ("alice", "incidents.silenced", found.id),
    ]


def test_a_longer_silence_keeps_its_id_and_other_matchers_make_a_new_one(desk):
    first = silence(desk)
    longer = silence(desk, minutes=120, id=first.id)
    assert longer.id == first.id
    other = silence(desk, "alertname=Other", id=first.id)
    assert other.id != first.id
    states = {each.id: each.state(desk.clock.now()) for each in desk.silences.all()}
    assert states == {first.id: "expired", other.id: "active"}


@pytest.mark.parametrize(
    "change",
    [
        {"created_by": " "},
        {"comment": ""},
        {"comment": "x" * 1001},
        {"ends_at": datetime(2026, 3, 14, 8, tzinfo=UTC)},
    ],
)
def test_a_silence_without_author_comment_or_end_is_refused(desk, change):
    given = {
        "matchers": (Matcher("alertname", "A"),),
        "starts_at": desk.clock.now(),
        "ends_at": desk.clock.now() + timedelta(hours=1),
        "created_by": "bob",
        "comment": "c",
    }
    with pytest.raises(SilenceRefused):
        desk.silences.put(SilenceRequest(**given | change), "alice")


@pytest.mark.parametrize("text", ["", "severity", "a=~(", "=x", 'a=~"x{2000}"', "alertname=~.*"])
def test_a_matcher_that_is_invalid_or_matches_everything_is_refused(desk, text):
    with pytest.raises(MatcherRefused):
        silence(desk, text)


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("a=x", {"a": "x"}, True),
        ("a=x", {"a": "xy"}, False),
        ("a!=x", {}, True),
        ("a=~x.*", {"a": "xyz"}, True),
        ("a=~x", {"a": "xyz"}, False),
        ("a!~x.*", {"a": "xyz"}, False),
        ('a="x y"', {"a": "x y"}, True),
    ],
)
def test_a_matcher_matches_as_in_alertmanager(text, labels, expected):
    assert matches((parse_matcher(text),), labels) is expected


def test_a_matcher_is_written_as_it_is_read():
    for text in ('a="x"', 'a!="x"', 'a=~"x"', 'a!~"x"'):
        assert matcher_text(parse_matcher(text)) == text


def test_a_critical_alert_inhibits_the_warning_of_the_same_service(desk):
    desk.post(posted(severity="critical", service="pay"), posted(severity="warning", service="pay"))
    (incident,) = desk.open()
    assert [each.alert.labels["severity"] for each in incident.alerts] == ["critical"]
    suppressed = [each for each in desk.store.listed() if each.suppressed_by]
    assert [each.labels["severity"] for each in suppressed] == ["warning"]


def test_only_what_changes_an_inhibition_has_alerts_judged_again(desk):
    desk.webhook(sent(severity="critical"))
    (fires,) = desk.store.listed()
    over = replace(fires, state=ReceivedState.RESOLVED)
    index = InhibitIndex(load_config().inhibit_rules)
    told = [index.note(each) for each in (over, fires, fires, over, over)]
    assert told == [False, True, False, True, False]
    assert not index.active


def test_a_warning_of_another_service_is_not_inhibited(desk):
    desk.post(
        posted(severity="critical", service="pay"), posted(severity="warning", service="cart")
    )
    assert len(desk.open()) == 2


def test_an_inhibited_alert_counts_again_when_the_source_has_ended(desk):
    desk.webhook(sent(severity="critical"), sent(severity="warning"))
    desk.webhook(sent("resolved", severity="critical"))
    desk.later(seconds=11)
    desk.intake.process()
    (incident,) = desk.open()
    assert [each.alert.labels["severity"] for each in incident.alerts] == ["critical", "warning"]


def test_what_inhibits_is_known_after_a_restart(tmp_path):
    make_desk(tmp_path).post(posted(severity="critical"))
    desk = make_desk(tmp_path)
    desk.post(posted(severity="warning"))
    (incident,) = desk.open()
    assert len(incident.alerts) == 1


WINDOW = """
group_by: [alertname]
maintenance_windows:
  - name: patches
    matchers: ['cluster="staging"']
    days: [sat]
    from: "22:00"
    to: "02:00"
    time_zone: Europe/Berlin
"""


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        ("2026-03-14T20:59:00+00:00", False),  # A Saturday, 21:59 in Berlin.
        ("2026-03-14T21:00:00+00:00", True),
        ("2026-03-15T00:59:00+00:00", True),
        ("2026-03-15T01:00:00+00:00", False),
        ("2026-03-15T21:30:00+00:00", False),
        ("2026-07-04T20:00:00+00:00", True),  # Summer time: 22:00 in Berlin.
    ],
)
def test_a_weekly_window_follows_the_wall_clock_of_its_place(tmp_path, at, open_):
    file = tmp_path / "alerts.yaml"
    file.write_text(WINDOW)
    (window,) = load_config(str(file)).windows
    assert window.active(datetime.fromisoformat(at)) is open_


def test_an_alert_in_a_maintenance_window_opens_an_incident_after_it(tmp_path):
    desk = make_desk(tmp_path, config=WINDOW)
    desk.later(hours=13)  # Saturday, 22:00 UTC.
    desk.post(posted(cluster="staging"))
    assert desk.open() == []
    desk.later(hours=4)
    desk.intake.process()
    assert len(desk.open()) == 1


@pytest.mark.parametrize(
    "content",
    [
        "inhibit_rules: [{source_matchers: [x]}]",
        "maintenance_windows: [{name: a, matchers: ['a=b'], from: '25:00', to: '1:00'}]",
        "maintenance_windows: [{name: a, matchers: ['a=b'], from: '01:00', to: '02:00', time_zone: Mars}]",
        "webhooks: {x: {}}",
        "group_by: 5",
        "[",
    ],
)
def test_a_file_with_a_mistake_is_refused_at_the_start(tmp_path, content):
    file = tmp_path / "alerts.yaml"
    file.write_text(content)
    with pytest.raises(AlertsFileRefused):
        load_config(str(file))


def _rule_alert(desk):
    given = alert(desk.clock.now())
    return Alert(
        fingerprint=given.fingerprint,
        name=given.name,
        state=AlertState.FIRING,
        labels=given.labels,
        annotations=given.annotations,
        value=1.0,
        since=desk.clock.now(),
    )


def test_a_silenced_alert_of_our_own_rules_is_held_until_the_silence_ends(desk):
    desk.operator.world.put(level=1)
    silence(desk, "component=tank", minutes=10)
    deliver(AlertFired(_rule_alert(desk), desk.clock.now()), desk.incidents, desk.intake)
    desk.intake.process()
    assert desk.open() == []
    desk.later(minutes=11)
    desk.intake.process()
    (incident,) = desk.open()
    assert incident.alert.source == ""


def test_a_held_alert_of_our_own_rules_that_is_over_opens_nothing(desk):
    silence(desk, "component=tank", minutes=10)
    held = _rule_alert(desk)
    deliver(AlertFired(held, desk.clock.now()), desk.incidents, desk.intake)
    deliver(AlertResolved(held, desk.clock.now()), desk.incidents, desk.intake)
    desk.later(minutes=11)
    desk.intake.process()
    assert desk.open() == []
