import pytest

from tests.monitoring.real_prometheus import fetch_if_missing


@pytest.fixture(scope="session", autouse=True)
def prometheus_is_there(request):
    """Fetch Prometheus when it is missing; what is said about it goes to the terminal, not into a test's output."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        fetch_if_missing()
