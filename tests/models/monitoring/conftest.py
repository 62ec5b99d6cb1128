"""A monitor on a database of its own, with a clock that the test moves."""

from datetime import timedelta

import pytest

from tests.models.monitoring.data import reference
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.monitoring.store import CHAIN, MonitoringStore
from trimtab.testing.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def database(databases):
    return databases.open((CHAIN,), "models")


@pytest.fixture
def monitor(database, clock):
    monitor = ModelMonitor(MonitoringStore(database), clock)
    monitor.set_reference("classifier_v2", reference(), "rows", "ada")
    clock.advance(timedelta(hours=1).total_seconds())
    return monitor
