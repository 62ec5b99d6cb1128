"""References: what is accepted, what follows the registry, and what this process serves."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.models.monitoring.data import labels, lines, observations, reference, transactions
from trimtab.models.monitoring.drift import DriftVerdict
from trimtab.models.monitoring.errors import BadBatch, BadReference, NotMonitored
from trimtab.models.monitoring.profile import ReferenceProfile
from trimtab.models.monitoring.reference import ColumnRoles, build_reference
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.monitoring.store import MonitoringStore

REFERENCE = reference()


def changed(**changes):
    body = REFERENCE.to_json()
    body["features"] = [{**body["features"][0], **changes}, *body["features"][1:]]
    return body


def test_a_profile_survives_json():
    assert ReferenceProfile.from_json(REFERENCE.to_json()) == REFERENCE


@pytest.mark.parametrize(
    "change",
    [
        {"edges": [3, 2, 1, 0, -1, -2, -3, -4, -5]},
        {"edges": ["x"]},
        {"shares": [1.0]},
        {"shares": [0.2] * 10},
        {"shares": [-0.1] * 9 + [1.9]},
        {"rows": 0},
        {"rows": None},
        {"null_rate": 2},
        {"dispersion": 0.5},
        {"weight": -1},
        {"weight": float("inf")},
        {"feature": "x" * 201},
        {"feature": "V17"},
        {"feature": None},
        {"unknown": 1},
    ],
)
def test_a_profile_that_is_not_one_is_refused(change):
    with pytest.raises(BadReference):
        ReferenceProfile.from_json(changed(**change))


@pytest.mark.parametrize("calibration", [[0.5], [2.0] * 20, ["x"] * 20])
def test_a_calibration_has_twenty_shares(calibration):
    with pytest.raises(BadReference):
        ReferenceProfile.from_json(REFERENCE.to_json() | {"calibration": calibration})


@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "x" * 65])
def test_a_name_that_is_not_allowed_is_refused(monitor, name):
    with pytest.raises(BadReference, match="Invalid model name"):
        monitor.set_reference(name, REFERENCE, "rows", "ada")


def test_predictions_from_before_the_first_reference_are_judged_and_labelled(database, clock):
    monitor = ModelMonitor(MonitoringStore(database), clock)
    monitor.set_reference("m", REFERENCE, "rows", "ada")
    columns = transactions(500)
    earlier = (clock.now()).isoformat()
    clock.advance(60)
    monitor.add_observations("m", observations(columns, at=earlier))
    monitor.add_labels("m", labels(columns))
    assert monitor.status("m").performance.rows == 500


def test_without_labels_in_the_reference_nothing_is_estimated(monitor):
    monitor.set_reference("m", replace(REFERENCE, calibration=()), "rows", "ada")
    for name in ("m", "classifier_v2"):
        monitor.add_observations(name, observations(transactions(500)))
    assert np.isnan(monitor.status("m").estimate.f1)
    assert monitor.status("classifier_v2").estimate.f1 > 0.3


def test_labels_are_late_only_for_a_model_that_had_some(monitor, clock):
    columns = transactions(500)
    monitor.add_observations("classifier_v2", observations(columns))
    clock.advance(36 * 3600)
    monitor.run_once()
    assert np.isnan(monitor.status("classifier_v2").label_share)
    few = {name: column[:10] for name, column in columns.items()}
    monitor.add_labels("classifier_v2", labels(few))
    monitor.run_once()
    assert monitor.status("classifier_v2").label_share == pytest.approx(0.02)


def test_a_model_of_the_registry_follows_its_version_in_production(database, clock):
    versions = {"credit": (REFERENCE, "version 1")}
    monitor = ModelMonitor(MonitoringStore(database), clock, registered=versions.get)
    columns = transactions(1000, seed=3)
    columns["V14"] = columns["V14"] + 2
    monitor.add_observations("credit", observations(columns))
    monitor.run_once()
    assert monitor.status("credit").drift.verdict is DriftVerdict.DRIFT
    shifted = transactions(5000)
    newer = build_reference(shifted | {"V14": shifted["V14"] + 2}, ColumnRoles())
    versions["credit"] = (newer, "version 2")
    monitor.run_once()
    monitor.add_observations("credit", observations(columns, start=5000))
    monitor.run_once()
    assert monitor.model("credit").source == "version 2"
    assert monitor.status("credit").drift.verdict is DriftVerdict.STABLE


def test_a_model_that_nobody_knows_is_not_monitored(monitor):
    with pytest.raises(NotMonitored):
        monitor.status("unknown")


def test_times_before_1970_are_refused_like_all_that_is_too_old(monitor):
    old = datetime(1960, 1, 1, tzinfo=UTC).isoformat()
    with pytest.raises(BadBatch, match="not kept"):
        monitor.add_observations("classifier_v2", lines({"id": "a", "at": old}))
