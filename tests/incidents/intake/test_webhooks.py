"""Webhooks of other systems: which field becomes what, and what makes two bodies the same alert."""

import pytest

from tests.incidents.intake.desk import make_desk
from trimtab.incidents.errors import AlertsRefused
from trimtab.incidents.intake.fingerprint import fingerprint_of


def stored(desk, name, document):
    desk.intake.receive_mapped(name, document)
    return desk.store.listed()


EVENT = {
    "event_action": "trigger",
    "dedup_key": "disk/db-1",
    "client_url": "https://grafana.test/d/1",
    "payload": {
        "summary": "Disk full",
        "source": "db-1",
        "severity": "critical",
        "group": "shop",
        "class": "disk",
        "timestamp": "2026-03-14T08:30:00Z",
        "custom_details": {"free": "1 %"},
    },
}


def test_an_event_of_pagerduty_keeps_all_that_it_says(desk):
    (alert,) = stored(desk, "pagerduty", EVENT)
    assert alert.labels == {
        "alertname": "Disk full",
        "source": "pagerduty",
        "severity": "critical",
        "component": "db-1",
        "service": "shop",
        "class": "disk",
        "instance": "db-1",
    }
    assert alert.annotations["description"] == '{"free": "1 %"}'
    assert alert.annotations["link"] == "https://grafana.test/d/1"
    assert alert.starts_at.isoformat() == "2026-03-14T08:30:00+00:00"


def test_an_alert_with_a_key_is_known_by_it_and_by_its_system(desk):
    (alert,) = stored(desk, "pagerduty", EVENT)
    identity = {"source": "pagerduty", "key": "disk/db-1", "alertname": ""}
    assert alert.fingerprint == fingerprint_of(identity)


def test_an_alert_without_a_key_is_known_by_its_labels_without_the_severity(desk):
    first = {"title": "Slow", "component": "shop", "severity": "warning"}
    (alert,) = stored(desk, "generic", first)
    (again,) = stored(desk, "generic", first | {"severity": "critical"})
    assert again.fingerprint == alert.fingerprint
    identity = {"alertname": "Slow", "source": "generic", "component": "shop", "system": ""}
    assert alert.fingerprint == fingerprint_of(identity)
    assert len(stored(desk, "generic", first | {"component": "cart"})) == 2


def test_a_name_of_any_length_is_cut_to_1024_characters(desk):
    (alert,) = stored(desk, "generic", {"title": "x" * 5000})
    assert alert.name == "x" * 1024


def test_an_alert_with_only_a_key_is_named_by_it(desk):
    (alert,) = stored(desk, "generic", {"id": "job-7"})
    assert alert.name == "job-7"


def test_a_path_through_what_is_no_object_finds_nothing(desk):
    (alert,) = stored(desk, "opsgenie", {"alert": "broken", "message": "Slow", "alias": "a"})
    assert alert.name == "Slow"


def test_words_of_a_webhook_are_compared_without_their_case(desk):
    stored(desk, "generic", {"id": "1", "status": "FIRING"})
    assert stored(desk, "generic", {"id": "1", "status": "Resolved"}) == []
    assert desk.intake.receive_mapped("opsgenie", {"action": "SNOOZE", "alias": "a"}).fired == 0


def test_a_value_that_is_true_false_or_a_number_becomes_text(desk):
    (alert,) = stored(desk, "generic", {"title": "A", "component": True, "system": 7})
    assert (alert.labels["component"], alert.labels["system"]) == ("true", "7")


FIXED = """
webhooks:
  mine:
    name: [title]
    labels: {team: ["=blue"], severity: [level]}
    values: {severity: {high: P1}}
"""


def test_a_mapping_may_fix_a_text_and_replace_values(tmp_path):
    desk = make_desk(tmp_path, config=FIXED)
    desk.intake.receive_mapped(
        "mine", [{"title": "A", "level": "high"}, {"title": "B", "level": "x"}]
    )
    found = {
        each.name: (each.labels["team"], each.labels["severity"]) for each in desk.store.listed()
    }
    assert found == {"A": ("blue", "P1"), "B": ("blue", "x")}


@pytest.mark.parametrize("document", ["text", 5, None])
def test_a_body_that_is_neither_an_object_nor_a_list_is_refused(desk, document):
    with pytest.raises(AlertsRefused, match="object or a list"):
        desk.intake.receive_mapped("generic", document)


def test_an_alert_without_a_name_and_a_key_is_refused_with_its_mapping(desk):
    (refused,) = desk.intake.receive_mapped("generic", {"nothing": 1}).refused
    assert refused.reason == "it has neither a name nor a key (mapping generic)"
