"""A healthy week, minute by minute, through the shipped rules: no alert fires."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.monitoring.rule_cases import series_labels
from tests.quiet.week import RELEASE, WEEK, Week
from trimtab.monitoring.alerts import AlertFired
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore

RULES = sorted((Path(__file__).parents[2] / "rules").glob("*.yml"))
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def fired(changed=lambda _minute, samples: samples, until=WEEK, seed=1):
    """Play the week; return the names of the alerts that fired, and after how many minutes."""
    store = SeriesStore()
    engine, week, names = RuleEngine(load_rules(RULES), store), Week(seed), {}
    found = {}
    for minute in range(until):
        now = MONDAY + timedelta(minutes=minute)
        if minute == RELEASE:
            store = SeriesStore()
            engine = RuleEngine(load_rules(RULES), store)
        batch = [
            (names.setdefault(name, series_labels(name)), float(value))
            for name, value in changed(minute, week.samples(minute)).items()
        ]
        store.append("scrape", milliseconds(now), batch)
        for transition in engine.tick(now):
            if isinstance(transition, AlertFired):
                found.setdefault(transition.alert.name, minute)
    return found


def test_a_quiet_week_opens_no_incident():
    assert fired() == {}


@pytest.mark.parametrize(
    ("alert", "trouble"),
    [
        ("KnowledgeVectorStoreDown", {'kb_component_up{component="vector_store"}': 0}),
        ("KnowledgeSearchSlow", {"kb_query_p99_latency_seconds": 0.8}),
        ("ServiceFailing", {"http_error_rate_ratio": 0.2}),
        ("KnowledgeDiskSpaceCritical", {"kb_disk_used_ratio": 0.95}),
    ],
)
def test_trouble_at_noon_of_the_same_week_is_noticed(alert, trouble):
    noon = 12 * 60
    changed = lambda minute, samples: {**samples, **trouble} if minute >= noon else samples  # noqa: E731
    assert noon <= fired(changed, until=noon + 10)[alert] <= noon + 5
