"""A real service that is killed and started again knows the series and the anomaly that it has."""

import signal
import subprocess
import time
from datetime import timedelta

import httpx
import pytest

from tests.incidents.anomaly.test_watch import Folder
from tests.processes import models, start, with_models  # noqa: F401 - a fixture.
from trimtab.incidents.anomaly.detector import SeriesDetector
from trimtab.incidents.anomaly.memory import DetectorMemory, WatchedSeries
from trimtab.kernel.clock import SystemClock

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.
SERIES = "vector(60)"
WATCHED = (
    *("--set", f"monitor.anomaly_series={SERIES}"),
    *("--set", "monitor.anomaly_interval_seconds=1"),
    *("--set", "service.rate_limit_per_minute=0"),
    *("--set", "api.key_limit_per_minute=0"),
)


def learn_that_ten_is_usual(data_dir):
    detector, now = SeriesDetector(), SystemClock().now().timestamp()
    for number in range(400, 0, -1):
        detector.observe(now - number, 10.0 + number % 5)
    known = WatchedSeries(SERIES, {}, detector)
    DetectorMemory(Folder(data_dir)).save({f"{SERIES} []": known})


def known(data_dir):
    """Return what is saved of the series."""
    now = SystemClock().now()
    (found,) = DetectorMemory(Folder(data_dir)).load(now - timedelta(days=1), now).values()
    return found


def incidents_of(service, client):
    headers = {"X-API-Key": (service.data_dir / "admin.key").read_text().strip()}
    found = client.get(f"{service.url}/v1/incidents", headers=headers).json()["incidents"]
    return [each["id"] for each in found if each["title"] == "Anomalous Series"]


def wait_until(condition, service, client):
    """Ask the service for its incidents until the condition holds; return them."""
    give_up = time.monotonic() + 240
    while not (found := incidents_of(service, client)) or not condition():
        assert time.monotonic() < give_up, "".join(service.said)
        with pytest.raises(subprocess.TimeoutExpired):
            service.process.wait(0.2)  # It still runs.
    return found


def test_a_kill_forgets_neither_the_series_nor_its_anomaly(tmp_path, models):  # noqa: F811
    data_dir = with_models(tmp_path / "data", models)
    learn_that_ten_is_usual(data_dir)
    with httpx.Client(timeout=60) as client:
        service = start(data_dir, *WATCHED)
        try:
            opened = wait_until(lambda: known(data_dir).since, service, client)
        finally:
            service.stop(signal.SIGKILL)
        before = known(data_dir)
        service = start(data_dir, *WATCHED)
        try:
            newest = before.detector.newest_at
            again = wait_until(lambda: known(data_dir).detector.newest_at > newest, service, client)
        finally:
            assert service.stop() == 0
    assert len(opened) == 1
    assert again == opened
    assert known(data_dir).since == before.since
