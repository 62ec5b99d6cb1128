import pytest

from tests.monitoring import samples
from tests.monitoring.real_prometheus import fetch_if_missing, running
from tests.monitoring.remote_write import write
from trimtab.monitoring.series import SeriesStore


@pytest.fixture(scope="session", autouse=True)
def prometheus_is_there(request):
    """Fetch Prometheus when it is missing; what is said about it goes to the terminal, not into a test's output."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        fetch_if_missing()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    with running(tmp_path_factory.mktemp("prometheus")) as server:
        write(server.url, samples.as_series(samples.batches()))
        yield server


@pytest.fixture(scope="module")
def store():
    return samples.fill(SeriesStore(retention_seconds=86_400), samples.batches())
