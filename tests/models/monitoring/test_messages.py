"""The worked example: what a vendor's change does to the tables, and the message that people get, all of it measured."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from tests.incidents.records import drift_incident
from tests.models.monitoring.data import observations
from trimtab.incidents.embedded import alert_of
from trimtab.incidents.messages import alert_text
from trimtab.incidents.model import AttachedAlert, IncidentSeverity
from trimtab.infra.storage import SqliteDatabase
from trimtab.models.monitoring.faults import transactions
from trimtab.models.monitoring.reference import ColumnRoles, build_reference
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.monitoring.signals import signals
from trimtab.models.monitoring.store import CHAIN, MonitoringStore
from trimtab.monitoring.alerts import AlertFired
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.labels import METRIC_NAME, labels_of
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore
from trimtab.testing.clock import FakeClock

RULES = Path(__file__).parents[3] / "rules" / "model-monitoring.yml"
NAME = "classifier_v2"
WEIGHTS = {"V14": 0.36, "V17": 0.27, "V10": 0.2, "V12": 0.17}


def even(rows, rng):
    """Rows whose features have the normal distribution almost without chance."""
    normal = np.array([NormalDist().inv_cdf((n + 0.5) / rows) for n in range(rows)])
    return transactions(rows, rng) | {name: rng.permutation(normal) for name in WEIGHTS}


class World:
    """A monitored model, its signals, and the shipped rules over them."""

    def __init__(self, folder):
        self.database = SqliteDatabase(folder / "models.db", (CHAIN,))
        self.clock = FakeClock()
        self.monitor = ModelMonitor(MonitoringStore(self.database), self.clock)
        self.rng = np.random.default_rng(7)
        reference = build_reference(even(50_000, self.rng), ColumnRoles(weights=WEIGHTS))
        self.monitor.set_reference(NAME, reference, "rows", "ada")
        self.samples = SeriesStore(retention_seconds=7200)
        self.rules = RuleEngine(load_rules([RULES]), self.samples)
        self.sent = 0

    def send(self, rows=10_000, **factors):
        columns = even(rows, self.rng)
        columns |= {name: columns[name] * factor for name, factor in factors.items()}
        self.monitor.add_observations(NAME, observations(columns, start=self.sent))
        self.sent += rows

    def fired(self, minutes=6):
        """Look, scrape and evaluate for so long; return the alerts that fired by name."""
        found = {}
        for _ in range(minutes * 2):
            self.clock.advance(30)
            self.monitor.run_once()
            for transition in self.rules_after_scrape():
                if isinstance(transition, AlertFired):
                    found[transition.alert.name] = alert_of(transition)
        return found

    def rules_after_scrape(self):
        scraped = [
            (labels_of({**sample.labels, METRIC_NAME: signal.metric_name}), sample.value)
            for signal in signals(self.monitor)
            for sample in signal.read()
            if not np.isnan(sample.value)
        ]
        self.samples.append("scrape", milliseconds(self.clock.now()), scraped)
        return self.rules.tick(self.clock.now())

    def text(self, alert):
        now = self.clock.now()
        incident = replace(
            drift_incident(),
            title=alert.annotations["title"],
            component=alert.labels["component"],
            alerts=(AttachedAlert(alert, firing=True, changed_at=now),),
            severity=IncidentSeverity(alert.labels["severity"]),
        )
        return alert_text(incident)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.database.close()


@pytest.mark.feature("F374", "F375", "F342")
def test_the_worked_example_is_measured_and_told_in_the_documents_words(world):
    world.send(V14=2.565, V17=2.195)
    found = world.fired()
    assert set(found) == {"ModelDriftCritical"}
    assert world.text(found["ModelDriftCritical"]) == (
        "🚨 [P1] Model Drift Critical — classifier_v2\n"
        "Drift score: 0.45 (threshold: 0.3)\n"
        "Top features: V14 (PSI=0.8), V17 (PSI=0.6)\n"
        "Investigating automatically..."
    )


def test_a_smaller_change_is_a_warning_with_its_own_figures(world):
    world.send(V14=2.3, V17=1.9)
    found = world.fired()
    assert set(found) == {"ModelDrift"}
    status = world.monitor.status(NAME)
    first, second = status.drift.features[:2]
    assert world.text(found["ModelDrift"]).splitlines()[:3] == [
        "🚨 [P2] Model Drift — classifier_v2",
        f"Drift score: {status.drift.score:.2f} (threshold: 0.3)",
        f"Top features: V14 (PSI={first.psi:.2g}), V17 (PSI={second.psi:.2g})",
    ]


def test_a_mild_drift_is_a_notice_and_a_stable_model_is_none(world):
    world.send()
    assert world.fired() == {}
    world.clock.advance(timedelta(hours=2).total_seconds())
    world.send(V14=2.0)
    assert set(world.fired()) <= {"ModelDriftMild"}


@pytest.mark.feature("F341")
def test_missing_values_are_told_to_data_engineering(world):
    columns = transactions(10_000, world.rng)
    columns["V14"] = np.where(np.arange(10_000) % 20 < 7, np.nan, columns["V14"])
    world.monitor.add_observations(NAME, observations(columns))
    found = world.fired()
    assert set(found) == {"ModelDataQuality"}
    assert found["ModelDataQuality"].labels["topic"] == "data"
    assert world.text(found["ModelDataQuality"]).splitlines()[1:3] == [
        "Null rate: 35% (threshold: 10%)",
        "Top features: V14 (null=0.35)",
    ]


@pytest.mark.feature("F340")
def test_wrong_predictions_are_critical_when_their_labels_come(world):
    columns = transactions(1000, world.rng)
    world.monitor.add_observations(NAME, observations(columns))
    wrong = [int(score < 0.5) for score in columns["score"].tolist()]
    labels = "\n".join(f'{{"id": "p{n}", "label": {label}}}' for n, label in enumerate(wrong))
    world.monitor.add_labels(NAME, labels.encode())
    found = world.fired()
    assert found["ModelAccuracyLow"].labels["severity"] == "P1"
    assert world.text(found["ModelAccuracyLow"]).splitlines()[:2] == [
        "🚨 [P1] Model Accuracy Critical — classifier_v2",
        "F1: 0.00 (threshold: 0.7)",
    ]


@pytest.mark.feature("F340")
@pytest.mark.parametrize(("wrong", "told"), [(0.02, False), (0.1, True)])  # An F1 of 0.89, 0.59.
def test_predictions_are_critical_when_too_many_are_wrong(world, wrong, told):
    columns = transactions(1000, world.rng)
    world.monitor.add_observations(NAME, observations(columns))
    truth = (columns["score"] >= 0.5) ^ (world.rng.random(1000) < wrong)
    labels = "\n".join(f'{{"id": "p{n}", "label": {int(label)}}}' for n, label in enumerate(truth))
    world.monitor.add_labels(NAME, labels.encode())
    assert ("ModelAccuracyLow" in world.fired()) is told
