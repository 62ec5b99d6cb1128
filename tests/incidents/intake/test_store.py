"""The store of received alerts: its limits, its order, and what it forgets."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.incidents.intake.desk import posted, sent, silence


@pytest.fixture
def one(desk):
    desk.post(posted())
    (found,) = desk.store.listed()
    return found


def keep(desk, *alerts):
    with desk.store.write() as connection:
        desk.store.save(connection, alerts)


def test_a_thousand_alerts_are_listed_the_newest_first(desk, one):
    second = timedelta(seconds=1)
    keep(
        desk,
        *(
            replace(one, fingerprint=f"f{n:04}", starts_at=one.starts_at + n * second)
            for n in range(1, 1001)
        ),
    )
    listed = desk.store.listed()
    assert len(listed) == 1000
    assert (listed[0].fingerprint, listed[-1].fingerprint) == ("f1000", "f0001")
    of_incident = desk.store.of_incident(one.incident_id)
    assert len(of_incident) == 1000
    assert of_incident[0].fingerprint == one.fingerprint


def test_more_alerts_than_one_statement_takes_are_known(desk, one):
    names = [f"f{n:04}" for n in range(1001)]
    keep(desk, *(replace(one, fingerprint=name) for name in names))
    with desk.store.write() as connection:
        assert desk.store.known(connection, names).keys() == set(names)


def test_alerts_are_counted_by_state_and_those_of_an_incident_by_what_is_muted(desk, one):
    keep(
        desk,
        replace(one, fingerprint="muted", suppressed_by=("silence:s",)),
        replace(one, fingerprint="over", state="resolved"),
        replace(one, fingerprint="other", incident_id="INC-x"),
        replace(one, fingerprint="rule", source="rules"),
    )
    assert desk.store.totals() == {"firing": 4, "resolved": 1}
    assert desk.store.counts(one.incident_id) == {"firing": 2, "muted": 1, "resolved": 1}
    assert desk.store.counts("nothing") == {}


def test_a_record_is_read_as_it_was_written(desk, one):
    full = replace(
        one,
        fingerprint="full",
        labels={"alertname": "A", "x": "y"},
        annotations={"summary": "s"},
        ends_at=one.starts_at + timedelta(hours=1),
        generator_url="http://p.test",
        pending=True,
        suppressed_by=("silence:s", "maintenance:m"),
        changes=3,
        changes_since=one.starts_at,
        flapping=True,
        times=4,
    )
    keep(desk, full)
    assert desk.store.get("full") == full
    assert desk.store.get("nothing") is None


def test_only_alerts_that_ended_long_ago_and_are_reported_are_forgotten(desk, one):
    old = one.updated_at - timedelta(days=1)
    keep(
        desk,
        replace(one, fingerprint="old", state="resolved", updated_at=old),
        replace(one, fingerprint="expired", state="expired", updated_at=old),
        replace(one, fingerprint="pending", state="resolved", updated_at=old, pending=True),
        replace(one, fingerprint="fires", updated_at=old),
        replace(one, fingerprint="edge", state="resolved"),
    )
    assert desk.store.forget_before(one.updated_at) == 2
    kept = {name for name in ("old", "expired", "pending", "fires", "edge") if desk.store.get(name)}
    assert kept == {"pending", "fires", "edge"}


def test_what_its_incident_has_to_learn_is_pending_unless_it_is_suppressed(desk, one):
    keep(
        desk,
        replace(one, fingerprint="new", pending=True, group_key="b"),
        replace(one, fingerprint="muted", pending=True, suppressed_by=("silence:s",)),
        replace(
            one,
            fingerprint="over",
            pending=True,
            state="resolved",
            suppressed_by=("s",),
            group_key="a",
        ),
    )
    assert [each.fingerprint for each in desk.store.pending(10)] == ["over", "new"]
    assert [each.fingerprint for each in desk.store.pending(10, {"a"})] == ["new"]
    assert [each.fingerprint for each in desk.store.pending(1)] == ["over"]


def test_an_alert_of_which_the_end_is_now_is_overdue(desk, one):
    end = desk.clock.now()
    keep(
        desk,
        replace(one, ends_at=end),
        replace(one, fingerprint="over", state="resolved", ends_at=end),
    )
    assert not desk.store.is_overdue(end - timedelta(seconds=1))
    assert desk.store.is_overdue(end)
    with desk.store.write() as connection:
        assert [each.fingerprint for each in desk.store.over(connection, end)] == [one.fingerprint]


def test_what_an_incident_does_not_know_for_sure_is_told_by_its_view(desk):
    now = desk.clock.now()
    desk.post(posted("A"), posted("B", at=now, ends=now + timedelta(minutes=1)))
    view = desk.operator.context.outside
    first, second = sorted(desk.store.listed(), key=lambda alert: alert.name)
    assert view.firing(first.fingerprint)
    assert not view.firing("nothing")
    assert [view.firing_in(each.incident_id) for each in (first, second)] == [1, 1]
    assert not view.unknown_in(second.incident_id)
    desk.later(minutes=1)
    desk.intake.process()
    assert not view.firing(second.fingerprint)
    assert view.firing_in(second.incident_id) == 0
    assert (view.unknown_in(first.incident_id), view.unknown_in(second.incident_id)) == (
        False,
        True,
    )
    assert view.firing_in("nothing") == 0
    assert not view.silenced("nothing", ())


def test_what_is_silenced_is_told_of_outside_alerts_and_of_our_own_rules(desk):
    desk.webhook(sent())
    (incident,) = desk.open()
    view = desk.operator.context.outside
    assert not view.silenced(incident.id, ())
    silence(desk)
    desk.intake.process()
    assert view.silenced(incident.id, ())
    assert not view.silenced(incident.id, [{"alertname": "Other"}])
    assert view.silenced("INC-of-rules", [{"alertname": "DiskFull"}])
    assert not view.silenced("INC-of-rules", [{"alertname": "DiskFull"}, {"alertname": "Other"}])
