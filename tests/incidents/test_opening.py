"""Which incident an alert opens, joins or reopens, and what the journal says of many at once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.incidents.intake.desk import make_desk, posted, sent
from tests.incidents.operator import until
from trimtab.incidents import State
from trimtab.incidents.attach import ATTACHED_LIMIT
from trimtab.incidents.errors import GroupOpen


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path)


def ended(desk):
    """Open an incident and let its sender end it; return it."""
    desk.webhook({**sent(), "startsAt": desk.clock.now().isoformat()})
    (incident,) = desk.open()
    until(desk.operator, incident, State.ESCALATED)
    desk.webhook(sent("resolved"))
    desk.operator.jobs.run()
    return desk.incidents.get(incident.id)


def again(desk):
    desk.webhook({**sent(), "startsAt": desk.clock.now().isoformat()})
    (incident,) = desk.open()
    return incident


@pytest.mark.parametrize(("seconds", "same"), [(0, True), (1, False)])
def test_an_alert_reopens_its_incident_within_the_window(desk, seconds, same):
    first = ended(desk)
    window = timedelta(minutes=desk.operator.context.settings.reopen_window_minutes)
    back = first.episode.resolved_at + window + timedelta(seconds=seconds)
    desk.later(seconds=(back - desk.clock.now()).total_seconds())
    assert (again(desk).id == first.id) is same


def test_another_alert_of_the_group_does_not_reopen_an_ended_incident(desk):
    first = ended(desk)
    desk.webhook({**sent(instance="b"), "startsAt": desk.clock.now().isoformat()})
    (second,) = desk.open()
    assert second.id != first.id


@pytest.mark.parametrize(("days", "named"), [(29, True), (31, False)])
def test_incidents_of_the_last_30_days_are_named_in_a_new_one(desk, days, named):
    first = ended(desk)
    opened = first.episode.opened_at + timedelta(days=days)
    desk.later(seconds=(opened - desk.clock.now()).total_seconds())
    texts = desk.operator.texts(again(desk).id)
    assert any(first.id in text for text in texts if text.startswith("Recurs")) is named


def test_five_earlier_incidents_are_named_and_all_are_counted(desk):
    earlier = []
    for _ in range(6):
        earlier.append(ended(desk).id)
        desk.later(hours=2)
    latest = again(desk)
    entry = next(e for e in desk.incidents.timeline(latest.id) if e.text.startswith("Recurs"))
    assert "opened an incident 6 times in the last 30 days" in entry.text
    assert entry.text.count("INC-") == 5
    assert sorted(entry.facts["earlier"]) == sorted(earlier)


def test_one_earlier_incident_is_once(desk):
    first = ended(desk)
    desk.later(hours=2)
    texts = desk.operator.texts(again(desk).id)
    text = f"Recurs: these alerts opened an incident once in the last 30 days ({first.id})."
    assert text in texts


@pytest.mark.parametrize(("count", "lines"), [(10, 10), (11, 11), (12, 11)])
def test_ten_alerts_of_a_batch_have_a_line_each_and_the_others_share_one(desk, count, lines):
    desk.webhook(*(sent(instance=f"n{number}") for number in range(count)))
    (incident,) = desk.open()
    entries = desk.incidents.timeline(incident.id)
    assert len(entries) == lines
    if count > 10:
        assert entries[-1].text == f"{count - 10} more alerts fired; incident opened."
        assert entries[-1].facts == {"alerts": count - 10}


def test_an_alert_that_joins_a_full_incident_shares_a_line(desk):
    desk.webhook(*(sent(instance=f"n{number}") for number in range(ATTACHED_LIMIT - 1)))
    (incident,) = desk.open()
    desk.webhook(sent(instance="last"))
    assert desk.operator.texts(incident.id)[-1] == "Alert DiskFull fired (0); incident joined."
    desk.webhook(sent(instance="beyond"))
    assert desk.operator.texts(incident.id)[-1] == "1 more alerts fired; incident joined."


def test_only_the_new_alerts_of_a_batch_join(desk):
    desk.webhook(sent(instance="a"))
    (incident,) = desk.open()
    desk.webhook(sent("resolved", instance="a"), sent(instance="b"))
    desk.webhook(sent(instance="a"), sent(instance="b"))
    texts = desk.operator.texts(incident.id)
    assert sum("incident joined" in text for text in texts) == 2
    assert all(each.firing for each in desk.incidents.get(incident.id).alerts)


def test_the_record_of_an_incident_holds_100_alerts(desk):
    desk.webhook(*(sent(instance=f"n{number}") for number in range(99)))
    (incident,) = desk.open()
    desk.webhook(sent(instance="n99"))
    assert len(desk.incidents.get(incident.id).alerts) == 100
    desk.webhook(sent(instance="n100"))
    assert len(desk.incidents.get(incident.id).alerts) == 100


def test_a_quiet_alert_makes_room_before_a_firing_one(desk):
    desk.webhook(*(sent(instance=f"n{number}") for number in range(ATTACHED_LIMIT)))
    (incident,) = desk.open()
    desk.webhook(sent("resolved", instance="n7"))
    desk.webhook(sent(instance="new"))
    kept = {each.alert.labels["instance"] for each in desk.incidents.get(incident.id).alerts}
    assert "new" in kept
    assert "n7" not in kept


def test_the_journal_tells_which_alert_fired_and_what_it_measured(desk):
    desk.post(posted(annotations={"value": "97.5"}))
    (incident,) = desk.open()
    (entry,) = desk.incidents.timeline(incident.id)
    assert entry.text == "Alert DiskFull fired (97.5); incident opened."
    assert entry.facts == {
        "alert": "DiskFull",
        "fingerprint": incident.alert.fingerprint,
        "value": 97.5,
    }


def test_an_alert_of_a_drill_does_not_reopen_an_incident_of_users(desk):
    first = ended(desk)
    desk.post(posted(drill="true"))
    assert [each.drill for each in desk.incidents.list(drills=True)] == [True]
    assert desk.incidents.get(first.id).state is State.RESOLVED


def test_users_open_an_incident_of_their_own_beside_that_of_a_drill(desk):
    desk.webhook(sent(drill="true"), groupLabels={"alertname": "DiskFull"})
    desk.webhook(sent(), groupLabels={"alertname": "DiskFull"})
    (incident,) = desk.open()
    assert not incident.drill
    assert len(incident.alerts) == 1


def test_an_alert_from_outside_while_a_drill_runs_is_not_the_drill_s(desk):
    with desk.incidents.drill():
        desk.post(posted())
    (incident,) = desk.open()
    assert not incident.drill


def test_a_first_alert_that_fires_again_is_replaced_in_its_place(desk):
    desk.webhook(sent(instance="a"), sent(instance="b"))
    (incident,) = desk.open()
    desk.webhook(sent("resolved", instance="a"))
    desk.webhook(sent(instance="a"))
    alerts = desk.incidents.get(incident.id).alerts
    assert [(each.alert.labels["instance"], each.firing) for each in alerts] == [
        ("a", True),
        ("b", True),
    ]
    assert replace(alerts[0].alert, fired_at=incident.alert.fired_at) == incident.alert


@pytest.mark.parametrize(("collisions", "opened"), [(3, True), (4, False)])
def test_an_incident_is_opened_after_three_collisions_with_other_processes_at_most(
    desk, monkeypatch, collisions, opened
):
    store = desk.operator.context.store
    left, write = [GroupOpen("Another process was faster.")] * collisions, store.open

    def collide(*given):
        if left:
            raise left.pop()
        return write(*given)

    monkeypatch.setattr(store, "open", collide)
    desk.webhook(sent())
    assert bool(desk.open()) is opened
