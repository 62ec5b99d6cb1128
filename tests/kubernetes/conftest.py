"""The tests in `live` need a control plane; `make test-kubernetes` runs them."""

import pytest

from tests.processes import command, data_dir, models, serve  # noqa: F401 - fixtures.


def pytest_ignore_collect(collection_path, config):
    if collection_path.name == "live" and not config.getoption("--kubernetes"):
        return True
    return None


def pytest_collection_modifyitems(items):
    # The control plane starts in the set-up of the first one, which takes minutes on a busy machine.
    for item in items:
        if "live" in item.path.parts and "kubernetes" in item.path.parts:
            item.add_marker(pytest.mark.timeout(600), append=False)
