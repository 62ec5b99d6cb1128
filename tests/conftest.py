"""Shared by all tests: the contract report, and Hypothesis without deadlines on shared machines."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from tests import schemas, unsynced

pytest_plugins = ["tests.contract.report", "tests.databases", "tests.object_server"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background so; the services of the tests would inherit it, and no Ctrl-C end them.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "shared"))  # noqa: TID251 - the test run's own switch.


@pytest.fixture(scope="session", autouse=True)
def _own_state_directory(tmp_path_factory):
    """Keep registers of running services and followed folders apart from the user's and other workers'."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patched.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


def pytest_configure(config):
    config.addinivalue_line("markers", "durable: the test is about what waits for the disk")


def pytest_runtest_setup(item):
    schemas.install()
    unsynced.install(durable=item.get_closest_marker("durable") is not None)


def pytest_addoption(parser):
    parser.addoption(
        "--kubernetes", action="store_true", help="run the tests against a real control plane, too"
    )
    parser.addoption(
        "--interleavings",
        type=int,
        default=200,
        help="how many changes two services on one database make in the model-based test",
    )
    parser.addoption("--image", action="store_true", help="build the image and test it, too")
