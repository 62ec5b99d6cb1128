"""Alerts from outside become incidents: grouped, counted once, and ended by their sender's word only."""

import json
from datetime import timedelta

import pytest

from tests.incidents.intake.desk import make_desk, posted, sent
from tests.incidents.operator import until
from trimtab.incidents import State
from trimtab.incidents.attach import ATTACHED_LIMIT
from trimtab.incidents.errors import AlertsRefused, TooManyAlerts, WebhookUnknown
from trimtab.incidents.intake.alertmanager import MAX_BATCH, parse_json, parse_posted
from trimtab.incidents.intake.fingerprint import fingerprint_of
from trimtab.incidents.intake.store import AlertStore


def test_the_fingerprint_of_no_labels_is_the_start_of_the_hash():
    assert fingerprint_of({}) == "cbf29ce484222325"  # The offset basis of FNV-1a.


def test_alerts_with_the_same_group_labels_share_an_incident(desk):
    desk.post(*(posted(instance=f"node{number}", cluster="a") for number in range(3)))
    desk.post(posted(instance="node9", cluster="b"))
    assert sorted(len(incident.alerts) for incident in desk.open()) == [1, 3]


def test_the_groups_of_an_alertmanager_are_kept(desk):
    for service in ("pay", "cart"):
        desk.webhook(sent(service=service), groupLabels={"alertname": "DiskFull"})
    (incident,) = desk.open()
    assert len(incident.alerts) == 2


def test_an_alert_joins_the_incident_of_its_component(desk):
    desk.operator.world.put(level=1)
    incident = desk.operator.fire()
    desk.post(posted("PumpHot", component="tank"))
    assert [each.alert.name for each in desk.incidents.get(incident.id).alerts] == [
        "TankLow",
        "PumpHot",
    ]


def test_a_repeated_alert_is_counted_once(desk):
    for _ in range(3):
        counts = desk.post(posted(instance="n"))
    (incident,) = desk.open()
    assert (counts.fired, counts.repeated) == (0, 1)
    assert len(incident.alerts) == 1
    assert sum("fired" in text for text in desk.operator.texts(incident.id)) == 1


@pytest.mark.feature("F344", "F346")
def test_an_alert_without_a_runbook_is_triaged_and_handed_to_people(desk):
    notes = {"summary": "Disk of db-1 is full."}
    desk.post(posted(severity="critical", annotations=notes, service="db-1"))
    (incident,) = desk.open()
    incident = until(desk.operator, incident, State.ESCALATED)
    assert (incident.severity, incident.component) == ("P1", "db-1")
    assert incident.episode.diagnosis.abstained_because == "no runbook knows this alert"
    assert "On-Call Engineer" in incident.episode.called


def test_the_sender_s_end_resolves_the_incident(desk):
    desk.webhook(sent())
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    desk.later(minutes=5)
    desk.webhook(sent("resolved"))
    desk.operator.jobs.run()
    ended = desk.incidents.get(incident.id)
    assert ended.state is State.RESOLVED
    assert "Alert DiskFull is quiet." in desk.operator.texts(incident.id)


def test_an_alert_that_is_no_longer_repeated_is_not_taken_for_over(desk):
    now = desk.clock.now()
    desk.post(posted(at=now, ends=now + timedelta(minutes=4)))
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    desk.later(minutes=5)
    desk.intake.process()
    desk.operator.jobs.run(until=lambda: desk.clock.now() > now + timedelta(hours=3))
    assert desk.incidents.get(incident.id).state is State.ESCALATED
    assert any("whether it is over is unknown" in t for t in desk.operator.texts(incident.id))
    desk.incidents.close(incident.id, "alice")  # A person knows better.


def test_an_expired_alert_is_over_when_its_sender_comes_back_and_says_so(desk):
    now = desk.clock.now()
    desk.post(posted(at=now, ends=now + timedelta(minutes=4)))
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    desk.later(minutes=5)
    desk.intake.process()
    desk.post(posted(at=now, ends=desk.clock.now()))
    desk.operator.jobs.run()
    assert desk.incidents.get(incident.id).state is State.RESOLVED


def test_as_long_as_no_alert_ends_nothing_is_written(desk, monkeypatch):
    desk.post(posted(ends=desk.clock.now() + timedelta(minutes=5)))
    begun, write = [], AlertStore.write
    monkeypatch.setattr(AlertStore, "write", lambda store: begun.append(store) or write(store))
    desk.intake.process()
    assert not begun
    desk.later(minutes=5)
    desk.intake.process()
    assert begun


def test_an_alert_that_is_repeated_in_time_does_not_expire(desk):
    now = desk.clock.now()
    for minute in range(0, 12, 3):
        desk.post(posted(at=now, ends=now + timedelta(minutes=minute + 4)))
        desk.later(minutes=3)
        desk.intake.process()
    assert [alert.state for alert in desk.store.listed()] == ["firing"]


def test_an_end_of_an_alert_that_never_fired_opens_nothing(desk):
    counts = desk.webhook(sent("resolved"))
    assert (counts.resolved, counts.unknown_resolved) == (0, 1)
    assert desk.open() == []
    assert desk.store.count() == 0


def test_an_alert_that_comes_back_soon_reopens_its_incident(desk):
    desk.webhook(sent())
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    desk.webhook(sent("resolved"))
    desk.operator.jobs.run()
    again = {**sent(), "startsAt": (desk.clock.now() + timedelta(seconds=1)).isoformat()}
    desk.later(seconds=5)
    desk.webhook(again)
    assert desk.incidents.get(incident.id).episode.number == 2


def test_an_alert_that_comes_back_late_opens_an_incident_that_names_the_first(desk):
    desk.webhook(sent())
    (first,) = desk.open()
    until(desk.operator, first, State.ESCALATED)
    desk.webhook(sent("resolved"))
    desk.operator.jobs.run()
    desk.later(hours=2)
    desk.webhook({**sent(), "startsAt": desk.clock.now().isoformat()})
    (second,) = desk.open()
    assert second.id != first.id
    assert any(first.id in t for t in desk.operator.texts(second.id) if t.startswith("Recurs"))


def test_a_flapping_alert_counts_as_firing_until_it_stays_quiet(tmp_path):
    desk = make_desk(tmp_path, flapping_changes=4)
    for status in ("firing", "resolved", "firing", "resolved", "firing", "resolved"):
        desk.later(seconds=30)
        desk.webhook(sent(status))
    (alert,) = desk.store.listed()
    assert (alert.state, alert.flapping) == ("firing", True)
    desk.later(minutes=9)
    desk.intake.process()
    assert desk.store.get(alert.fingerprint).state == "firing"
    desk.later(minutes=2)
    desk.intake.process()
    assert desk.store.get(alert.fingerprint).state == "resolved"


def test_an_alert_that_changes_less_often_is_not_flapping(tmp_path):
    desk = make_desk(tmp_path, flapping_changes=4)
    for status in ("firing", "resolved", "firing", "resolved"):
        desk.later(seconds=30)
        desk.webhook(sent(status))
    assert desk.store.listed() == []


def test_a_storm_of_groups_shares_one_incident_beyond_the_limit(tmp_path):
    desk = make_desk(tmp_path, storm_incidents=3)
    desk.post(*(posted(f"Alert{number}") for number in range(50)))
    incidents = desk.open()
    storm = [each for each in incidents if each.title.startswith("Alert storm")]
    assert (len(incidents), len(storm)) == (4, 1)
    assert len(desk.store.of_incident(storm[0].id)) == 47
    desk.later(minutes=2)
    desk.post(posted("Another"))
    assert len(desk.open()) == 5


def test_ten_thousand_alerts_in_one_webhook_are_one_incident(desk):
    counts = desk.webhook(*(sent(instance=f"n{number}") for number in range(10_000)))
    (incident,) = desk.open()
    assert counts.fired == 10_000
    assert len(incident.alerts) == ATTACHED_LIMIT
    assert desk.store.counts(incident.id) == {"firing": 10_000, "muted": 0}
    assert len(desk.incidents.timeline(incident.id)) == 12  # Ten alerts and one line a batch.


def test_an_incident_is_not_quiet_while_an_alert_beyond_its_record_fires(tmp_path):
    desk = make_desk(tmp_path)
    many = [sent(instance=f"n{number:04}") for number in range(ATTACHED_LIMIT + 5)]
    desk.webhook(*many)
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    kept = {each.alert.fingerprint for each in desk.incidents.get(incident.id).alerts}
    beyond = next(a for a in desk.store.of_incident(incident.id) if a.fingerprint not in kept)
    desk.webhook(*({**a, "status": "resolved"} for a in many if a["labels"] != beyond.labels))
    context = desk.operator.context
    assert not context.quiet(desk.incidents.get(incident.id))
    desk.webhook(*({**a, "status": "resolved"} for a in many if a["labels"] == beyond.labels))
    assert context.quiet(desk.incidents.get(incident.id))


def test_a_severe_alert_stays_in_the_record_of_a_large_incident(desk):
    desk.webhook(*(sent(instance=f"n{n}", severity="info") for n in range(ATTACHED_LIMIT)))
    desk.webhook(sent(instance="worst", severity="P0"))
    (incident,) = desk.open()
    assert len(incident.alerts) == ATTACHED_LIMIT
    assert incident.alerts[-1].alert.labels["instance"] == "worst"


BAD = {
    "no labels": {"labels": {}},
    "no object": "DiskFull",
    "label is a number": {"labels": {"alertname": 7}},
    "label name": {"labels": {"alert name": "x"}},
    "long label": {"labels": {"alertname": "x" * 1025}},
    "many labels": {"labels": {f"l{n}": "x" for n in range(65)}},
    "end before start": {
        "labels": {"alertname": "x"},
        "startsAt": "2026-03-14T08:00:00Z",
        "endsAt": "2026-03-14T07:00:00Z",
    },
    "no time": {"labels": {"alertname": "x"}, "startsAt": "yesterday"},
    "impossible time": {"labels": {"alertname": "x"}, "endsAt": "9999-12-31T23:59:59-23:59"},
    "time is a number": {"labels": {"alertname": "x"}, "startsAt": 5},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_one_bad_alert_does_not_keep_the_others_out(desk, bad):
    counts = desk.post(bad, posted("Good"))
    assert [each.position for each in counts.refused] == [0]
    assert [each.name for each in desk.store.listed()] == ["Good"]


def test_of_two_alerts_with_the_same_labels_in_one_request_the_last_counts(desk):
    desk.webhook(sent(), sent("resolved"), sent())
    assert [alert.state for alert in desk.store.listed()] == ["firing"]


def test_of_a_label_that_is_given_twice_the_last_value_counts():
    body = b'[{"labels": {"alertname": "A", "alertname": "B"}}]'
    (alert,) = parse_posted(parse_json(body), _noon()).alerts
    assert alert.name == "B"


def test_a_large_annotation_is_cut_and_says_so(desk):
    desk.post(posted(annotations={"summary": "x" * 1_000_000}))
    (alert,) = desk.store.listed()
    assert len(alert.annotations["summary"]) < 4200
    assert alert.annotations["summary"].endswith("[995904 more characters were cut]")


def test_a_start_in_the_future_or_the_year_1_counts_as_now(desk):
    now = desk.clock.now()
    desk.post(
        posted("A", at=now + timedelta(days=400)),
        posted("B") | {"startsAt": "0001-01-01T00:00:00Z"},
    )
    assert {alert.starts_at for alert in desk.store.listed()} == {now}


def test_times_with_nanoseconds_are_read(desk):
    desk.post(posted() | {"startsAt": "2026-03-14T08:00:00.123456789Z"})
    (alert,) = desk.store.listed()
    assert alert.starts_at.isoformat() == "2026-03-14T08:00:00.123456+00:00"


def test_unknown_fields_are_ignored(desk):
    counts = desk.webhook({**sent(), "silly": [1]}, receiver="x", truncatedAlerts=3, more={})
    assert counts.fired == 1


@pytest.mark.parametrize("document", [{}, [], {"alerts": 5}, None, {"alerts": [], "version": "5"}])
def test_what_is_no_webhook_is_refused(desk, document):
    with pytest.raises(AlertsRefused):
        desk.intake.receive_webhook(document)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": NaN}'])
def test_what_is_no_json_is_refused(body):
    with pytest.raises(AlertsRefused, match="not JSON"):
        parse_json(body)


def test_more_alerts_than_a_request_may_hold_are_refused_whole(desk):
    with pytest.raises(TooManyAlerts):
        desk.intake.receive_posted([posted(instance=str(n)) for n in range(MAX_BATCH + 1)])
    assert desk.store.count() == 0


def test_more_alerts_than_are_stored_are_refused_and_known_ones_still_end(tmp_path):
    desk = make_desk(tmp_path, alerts_limit=2)
    desk.post(posted(instance="a"), posted(instance="b"))
    with pytest.raises(TooManyAlerts):
        desk.post(posted(instance="c"))
    desk.post(posted(instance="a", at=desk.clock.now(), ends=desk.clock.now()))
    assert [alert.labels["instance"] for alert in desk.store.listed()] == ["b"]


def test_credentials_in_annotations_are_hidden(desk):
    desk.post(posted(annotations={"dashboard": "https://me:secret@grafana.test/d/1"}))
    (alert,) = desk.store.listed()
    assert "secret" not in json.dumps(dict(alert.annotations))


def test_old_alerts_are_forgotten_and_firing_ones_kept(desk):
    desk.webhook(sent(instance="a"), sent(instance="b"))
    desk.webhook(sent("resolved", instance="a"))
    desk.later(days=29)
    assert desk.intake.tidy() == 0
    desk.later(days=2)
    assert desk.intake.tidy() == 1
    assert desk.store.count() == 1


def test_a_webhook_of_pagerduty_s_events_fires_and_ends_an_alert(desk):
    event = {
        "routing_key": "k",
        "event_action": "trigger",
        "dedup_key": "disk/db-1",
        "payload": {"summary": "Disk full", "source": "db-1", "severity": "critical"},
    }
    assert desk.intake.receive_mapped("pagerduty", event).fired == 1
    acknowledged = {"event_action": "acknowledge", "dedup_key": "disk/db-1"}
    assert desk.intake.receive_mapped("pagerduty", acknowledged).fired == 0
    end = {"event_action": "resolve", "dedup_key": "disk/db-1"}
    assert desk.intake.receive_mapped("pagerduty", end).resolved == 1


def test_a_webhook_of_opsgenie_maps_its_priorities(desk):
    alert = {"alias": "a1", "message": "Slow checkout", "priority": "P1", "entity": "checkout"}
    desk.intake.receive_mapped("opsgenie", {"action": "Create", "alert": alert})
    (stored,) = desk.store.listed()
    assert (stored.labels["severity"], stored.labels["component"]) == ("P0", "checkout")
    desk.intake.receive_mapped("opsgenie", {"action": "Close", "alert": {"alias": "a1"}})
    assert desk.store.listed() == []


def test_a_generic_webhook_takes_a_list_of_alerts(desk):
    body = {"alerts": [{"title": "A", "severity": "warning"}, {"title": "B"}, {"nothing": 1}]}
    counts = desk.intake.receive_mapped("generic", body)
    assert (counts.fired, len(counts.refused)) == (2, 1)


def test_a_webhook_without_a_mapping_is_refused(desk):
    with pytest.raises(WebhookUnknown, match="generic, opsgenie, pagerduty"):
        desk.intake.receive_mapped("nagios", {})


def _noon():
    from datetime import UTC, datetime

    return datetime(2026, 3, 14, 12, tzinfo=UTC)
