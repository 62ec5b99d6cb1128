"""How received alerts reach their incidents: again after an error, once, and in the words that fit."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from tests.incidents.intake.desk import make_desk, posted, sent, silence
from tests.incidents.operator import alert, until
from trimtab.incidents import State
from trimtab.incidents.errors import IncidentUnknown
from trimtab.incidents.intake.module import _signals
from trimtab.incidents.intake.service import AlertIntake


def test_a_request_asks_for_its_report_only_when_there_is_something_to_report(desk):
    asked = []
    intake = AlertIntake(desk.intake._context, lambda: asked.append(1))
    intake.receive_posted([posted()])
    assert asked == [1]
    intake.process()
    intake.receive_posted([posted()])
    assert asked == [1]


def test_a_group_that_cannot_be_reported_keeps_out_no_other_and_is_tried_again(desk, monkeypatch):
    report, broken = desk.incidents.alerts_fired, {"A"}

    def sometimes(group, alerts, title=""):
        if alerts[0].name in broken:
            raise OSError("disk full")
        return report(group, alerts, title)

    monkeypatch.setattr(desk.incidents, "alerts_fired", sometimes)
    desk.intake.receive_posted([posted("A"), posted("B")])
    assert desk.intake.process() == 1
    assert [incident.title for incident in desk.open()] == ["B"]
    broken.clear()
    assert desk.intake.process() == 1
    assert desk.intake.process() == 0
    assert sorted(incident.title for incident in desk.open()) == ["A", "B"]


def test_a_burst_is_reported_in_rounds_of_5000_alerts(desk, monkeypatch):
    desk.post(posted())
    (one,) = desk.store.listed()
    alerts = [replace(one, fingerprint=f"f{number:04}", pending=True) for number in range(5001)]
    with desk.store.write() as connection:
        desk.store.save(connection, alerts)
    (incident,), rounds = desk.open(), []

    def count(_group, given, _title):
        rounds.append(len(given))
        return incident

    monkeypatch.setattr(desk.incidents, "alerts_fired", count)
    desk.intake.process()
    assert rounds == [5000, 1]  # service._AT_ONCE


def test_alerts_that_end_together_are_told_in_one_line(desk):
    desk.webhook(sent(instance="a"), sent(instance="b"), sent(instance="c"))
    (incident,) = desk.open()
    desk.webhook(sent("resolved", instance="a"), sent("resolved", instance="b"))
    assert desk.operator.texts(incident.id)[-1] == "2 alerts are quiet."
    desk.webhook(sent("resolved", instance="c"))
    assert desk.operator.texts(incident.id)[-1] == "Alert DiskFull is quiet."


def test_alerts_that_are_no_longer_repeated_are_told_in_one_line(desk):
    now = desk.clock.now()
    ends = now + timedelta(minutes=4)
    desk.post(posted(at=now, ends=ends, instance="a"), posted(at=now, ends=ends, instance="b"))
    (incident,) = desk.open()
    desk.later(minutes=4)
    desk.intake.process()
    expected = "2 alerts are no longer repeated by the sender: whether it is over is unknown."
    assert desk.operator.texts(incident.id)[-1] == expected
    assert {each.state for each in desk.store.of_incident(incident.id)} == {"expired"}


def test_an_alert_expires_at_its_end_and_not_before(desk):
    now = desk.clock.now()
    desk.post(posted(at=now, ends=now + timedelta(minutes=4)))
    desk.later(minutes=3, seconds=59)
    desk.intake.process()
    assert [each.state for each in desk.store.listed()] == ["firing"]
    desk.later(seconds=1)
    desk.intake.process()
    assert [each.state for each in desk.store.listed()] == ["expired"]


def test_what_an_expired_alert_inhibits_fires_again(desk):
    now = desk.clock.now()
    desk.post(
        posted(at=now, ends=now + timedelta(minutes=4), severity="critical"),
        posted(at=now, severity="warning"),
    )
    desk.later(minutes=4)
    desk.intake.process()
    desk.later(seconds=10)
    desk.intake.process()
    (incident,) = desk.open()
    assert [each.alert.labels["severity"] for each in incident.alerts] == ["critical", "warning"]


def test_what_is_suppressed_is_judged_again_after_ten_seconds(desk):
    desk.post(posted(severity="critical"), posted(severity="warning"))
    assert len([each for each in desk.store.listed() if each.suppressed_by]) == 1
    desk.webhook(sent("resolved", severity="critical"))
    desk.later(seconds=9)
    desk.intake.process()
    assert len([each for each in desk.store.listed() if each.suppressed_by]) == 1
    desk.later(seconds=1)
    desk.intake.process()
    assert [each.suppressed_by for each in desk.store.listed()] == [()]


def test_an_alert_that_names_an_incident_that_is_gone_ends_all_the_same(desk, monkeypatch):
    desk.webhook(sent())

    def gone(*_):
        raise IncidentUnknown("gone")

    monkeypatch.setattr(desk.incidents, "alerts_quiet", gone)
    desk.webhook(sent("resolved"))
    assert desk.store.listed() == []
    assert desk.intake.process() == 0


@pytest.mark.parametrize(("seconds", "storm"), [(60, True), (61, False)])
def test_a_storm_is_over_when_a_minute_has_passed(tmp_path, seconds, storm):
    desk = make_desk(tmp_path, storm_incidents=2)
    desk.post(posted("A"), posted("B"))
    desk.later(seconds=seconds)
    desk.post(posted("C"))
    titles = {incident.title for incident in desk.open()}
    assert any(title.startswith("Alert storm") for title in titles) is storm


def test_a_group_with_an_open_incident_joins_it_in_a_storm(tmp_path):
    desk = make_desk(tmp_path, storm_incidents=2)
    desk.post(posted("A"), posted("B"))
    desk.post(posted("A", instance="other"))
    assert sorted((each.title, len(each.alerts)) for each in desk.open()) == [("A", 2), ("B", 1)]


def test_an_alert_that_joins_does_not_count_for_a_storm(tmp_path):
    desk = make_desk(tmp_path, storm_incidents=2)
    desk.post(posted("A"))
    for number in range(5):
        desk.later(seconds=1)
        desk.post(posted("A", instance=str(number)))
    desk.post(posted("B"))
    assert sorted(each.title for each in desk.open()) == ["A", "B"]


def test_an_alert_from_outside_fires_by_its_sender_s_word_and_not_by_our_samples(desk):
    desk.webhook(sent())
    (incident,) = desk.open()
    desk.operator.world.put(level=9)  # Of our own rules no alert fires.
    assert desk.operator.context.firing(incident.alert)
    desk.webhook(sent("resolved"))
    desk.operator.world.put(level=1)
    assert not desk.operator.context.firing(incident.alert)
    assert desk.operator.context.quiet(desk.incidents.get(incident.id))


def test_the_signals_count_alerts_by_state_and_active_silences(desk):
    alerts, silences = _signals(SimpleNamespace(clock=desk.clock), desk.store)
    assert (alerts.name, alerts.unit, alerts.labels) == (
        "incidents.received_alerts",
        "alerts",
        ("state",),
    )
    assert (silences.name, silences.unit) == ("incidents.silences_active", "silences")
    now = desk.clock.now()
    desk.post(posted("A"), posted("B"), posted("C", at=now, ends=now + timedelta(minutes=1)))
    silence(desk, "alertname=X")
    silence(desk, "alertname=Y", start=5)
    desk.later(minutes=2)
    desk.intake.process()
    found = {sample.labels["state"]: sample.value for sample in alerts.read()}
    assert found == {"firing": 2, "resolved": 0, "expired": 1}
    assert [sample.value for sample in silences.read()] == [1]


def test_an_alert_tells_its_value_if_it_has_one(desk):
    desk.post(posted("A", annotations={"value": "3.5"}), posted("B", annotations={"value": "high"}))
    desk.post(posted("C"))
    values = {each.title: each.alert.value for each in desk.open()}
    assert values == {"A": 3.5, "B": 0.0, "C": 0.0}


def test_groups_without_the_labels_of_the_file_are_one_group(tmp_path):
    desk = make_desk(tmp_path, config="group_by: [team]")
    desk.post(posted("A", team="blue"), posted("B", team="blue"), posted("C"), posted("D"))
    found = sorted(sorted(a.alert.name for a in each.alerts) for each in desk.open())
    assert found == [["A", "B"], ["C", "D"]]


def test_a_held_alert_of_our_own_rules_that_no_longer_fires_opens_nothing(desk):
    silence(desk, "component=tank", minutes=10)
    held = alert(desk.clock.now())
    desk.operator.world.put(level=1)
    assert desk.intake.mutes(held)
    desk.intake.hold(held)
    desk.operator.world.put(level=9)
    desk.later(minutes=11)
    desk.intake.process()
    assert desk.open() == []
    assert desk.store.get(held.fingerprint).state == "resolved"
    assert desk.intake.process() == 0


def test_a_held_alert_names_what_holds_it(desk):
    found = silence(desk, "component=tank", minutes=10)
    held = alert(desk.clock.now())
    desk.intake.hold(held)
    stored = desk.store.get(held.fingerprint)
    assert stored.suppressed_by == (f"silence:{found.id}",)
    assert (stored.source, stored.name, stored.starts_at) == ("rules", "TankLow", held.fired_at)


def test_only_a_held_alert_is_released(desk):
    desk.post(posted())
    (stored,) = desk.store.listed()
    desk.intake.release(stored.fingerprint, desk.clock.now())
    assert desk.store.get(stored.fingerprint).state == "firing"
    desk.intake.release("nothing", desk.clock.now())


def test_the_end_of_a_declared_alert_is_reported_at_once(desk):
    desk.post(posted())
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    desk.intake.end_declared(incident.alert.fingerprint)
    ended = desk.store.get(incident.alert.fingerprint)
    assert (ended.state, ended.pending, ended.ends_at) == ("resolved", False, desk.clock.now())
    assert desk.operator.texts(incident.id)[-1] == "Alert DiskFull is quiet."
    desk.intake.end_declared("nothing")


def test_an_alert_that_changed_while_it_was_reported_is_reported_again(desk):
    desk.post(posted())
    (stored,) = desk.store.listed()
    with desk.store.write() as connection:
        later = replace(stored, pending=True, updated_at=stored.updated_at + timedelta(seconds=1))
        desk.store.save(connection, [later])
    desk.store.mark_reported([stored], "INC", "group")
    assert desk.store.get(stored.fingerprint).pending
    desk.store.mark_reported([later], "", "group")
    known = desk.store.get(stored.fingerprint)
    assert (known.pending, known.incident_id) == (False, stored.incident_id)
