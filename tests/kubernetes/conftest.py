"""The tests in `live` need a control plane; `make test-kubernetes` runs them."""


def pytest_ignore_collect(collection_path, config):
    if collection_path.name == "live" and not config.getoption("--kubernetes"):
        return True
    return None
