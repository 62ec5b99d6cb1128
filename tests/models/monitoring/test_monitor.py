"""What the monitor finds in what it was sent, and the tables by the documents' names."""

import numpy as np
import pytest
import sqlalchemy as sa

from tests.models.monitoring.data import labels, lines, observations, reference, transactions
from trimtab.models.monitoring.corrections import CorrectionKind, InputCorrection
from trimtab.models.monitoring.drift import DriftVerdict
from trimtab.models.monitoring.errors import NotMonitored
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.monitoring.store import MonitoringStore

NAME = "classifier_v2"
HOUR = 3600.0


def shifted(rows, seed=3):
    columns = transactions(rows, seed)
    return columns | {"V14": columns["V14"] * 100}


def feature(monitor, name="V14"):
    return next(f for f in monitor.status(NAME).drift.features if f.feature == name)


def test_drift_of_what_was_sent_is_found(monitor):
    monitor.add_observations(NAME, observations(shifted(1000)))
    monitor.run_once()
    assert monitor.status(NAME).drift.verdict is DriftVerdict.DRIFT
    assert feature(monitor).unit_factor == pytest.approx(100, rel=0.1)
    assert not feature(monitor, "V17").drifted


def test_errors_and_latencies_are_counted(monitor):
    made = [{"id": f"a{n}", "score": 0, "latency_ms": 50} for n in range(90)]
    slow = [{"id": f"b{n}", "score": 0, "latency_ms": 4000} for n in range(5)]
    failed = [{"id": f"c{n}", "error": "timeout"} for n in range(5)]
    monitor.add_observations(NAME, lines(*made, *slow, *failed))
    monitor.run_once()
    status = monitor.status(NAME)
    assert (status.requests, status.errors, status.error_rate) == (100, 5, 0.05)
    assert status.latency_p50_seconds < 0.1
    assert status.latency_p99_seconds > 2


def test_a_judgement_looks_at_the_recent_windows_only(monitor, clock):
    monitor.add_observations(NAME, observations(shifted(1000)))
    clock.advance(2 * HOUR)
    monitor.add_observations(NAME, observations(transactions(1000, seed=4), start=5000))
    monitor.run_once()
    assert monitor.status(NAME).drift.verdict is DriftVerdict.STABLE
    assert monitor.status(NAME).requests == 1000


def test_few_recent_rows_are_judged_with_those_of_the_day(monitor, clock):
    monitor.add_observations(NAME, observations(shifted(1000)))
    clock.advance(2 * HOUR)
    monitor.add_observations(NAME, observations(shifted(10, seed=4), start=5000))
    monitor.run_once()
    assert monitor.status(NAME).drift.verdict is DriftVerdict.DRIFT


def test_late_labels_change_the_window_of_their_prediction(monitor, clock):
    columns = transactions(500)
    monitor.add_observations(NAME, observations(columns))
    monitor.run_once()
    assert np.isnan(monitor.store.metric_windows(NAME)[0].f1)
    clock.advance(5 * HOUR)
    monitor.add_labels(NAME, labels(columns))
    monitor.run_once()
    assert monitor.store.metric_windows(NAME)[0].f1 > 0.4
    assert monitor.status(NAME).performance.rows == 500


def test_a_corrected_unit_ends_the_drift(monitor):
    monitor.add_observations(NAME, observations(shifted(1000)))
    monitor.correct(InputCorrection(NAME, "V14", CorrectionKind.SCALE, 0.01), "ada")
    monitor.add_observations(NAME, observations(shifted(1000, seed=4), start=5000))
    monitor.run_once()
    assert monitor.status(NAME).drift.verdict is DriftVerdict.STABLE
    monitor.uncorrect(NAME, "V14", "ada")
    monitor.add_observations(NAME, observations(shifted(1000, seed=5), start=9000))
    monitor.run_once()
    assert monitor.status(NAME).drift.verdict is DriftVerdict.DRIFT


def test_a_filled_column_has_no_missing_values(monitor):
    columns = transactions(1000, seed=3)
    columns["V14"] = np.where(np.arange(1000) % 2 == 0, np.nan, columns["V14"])
    monitor.correct(InputCorrection(NAME, "V14", CorrectionKind.FILL, 0.0), "ada")
    monitor.add_observations(NAME, observations(columns))
    monitor.run_once()
    assert feature(monitor).null_rate == 0.0


def test_a_feature_that_the_model_lacks_cannot_be_corrected(monitor):
    with pytest.raises(NotMonitored, match="no feature 'V99'"):
        monitor.correct(InputCorrection(NAME, "V99", CorrectionKind.SCALE, 1.0), "ada")


def test_everything_is_there_after_a_restart(monitor, database, clock):
    monitor.add_observations(NAME, observations(shifted(1000)))
    monitor.correct(InputCorrection(NAME, "V17", CorrectionKind.SCALE, 2.0), "ada")
    monitor.add_observations(NAME, observations(shifted(1000), start=5000))
    again = ModelMonitor(MonitoringStore(database), clock)
    again.run_once()
    assert again.status(NAME).drift.verdict is DriftVerdict.DRIFT
    assert again.corrections(NAME)[0].feature == "V17"


def test_a_new_reference_starts_afresh_and_the_same_one_does_not(monitor):
    monitor.add_observations(NAME, observations(shifted(1000)))
    monitor.set_reference(NAME, reference(), "rows", "ada")
    assert monitor.status(NAME).drift.verdict is DriftVerdict.DRIFT
    monitor.set_reference(NAME, reference(seed=9), "rows", "ada")
    assert monitor.status(NAME).drift.verdict is DriftVerdict.NOT_ENOUGH_DATA


def test_what_is_old_is_deleted(monitor, clock):
    monitor.add_observations(NAME, lines({"id": "a", "score": 1}))
    clock.advance(31 * 24 * HOUR)
    monitor.drop_old()
    assert monitor.store.predictions(NAME, ["a"]) == {}
    assert monitor.store.metric_windows(NAME) == []


def test_a_forgotten_model_leaves_nothing(monitor, database):
    monitor.add_observations(NAME, lines({"id": "a", "score": 1}))
    monitor.run_once()
    monitor.forget(NAME)
    with database.read() as connection:
        counts = [
            connection.scalar(sa.text(f"SELECT count(*) FROM {table}"))
            for table in ("observed_predictions", "model_metrics", "feature_drift")
        ]
    assert counts == [0, 0, 0]


def test_the_tables_of_the_procedures_are_readable_by_their_names(monitor, database):
    columns = shifted(1000)
    columns["V17"] = np.where(np.arange(1000) % 4 == 0, np.nan, columns["V17"])
    monitor.add_observations(NAME, observations(columns, latency_ms=20))
    monitor.add_labels(NAME, labels(columns))
    monitor.run_once()
    with database.read() as connection:
        metrics = connection.execute(sa.text("SELECT * FROM model_metrics")).mappings().one()
        quality = {
            row["feature"]: row
            for row in connection.execute(sa.text("SELECT * FROM data_quality")).mappings()
        }
        drift = {
            row["feature"]: row
            for row in connection.execute(sa.text("SELECT * FROM feature_drift")).mappings()
        }
    assert metrics["requests"] == metrics["labelled"] == 1000
    assert metrics["f1"] == pytest.approx(monitor.status(NAME).performance.f1)
    assert metrics["latency_p99_seconds"] < 0.05
    assert quality["V17"]["null_rate"] == pytest.approx(0.25)
    assert drift["V14"]["psi"] == pytest.approx(feature(monitor).psi)
    assert drift["V14"]["verdict"] == "drift"
