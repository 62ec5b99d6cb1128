"""The tests here build the image, which takes minutes; `make test-image` runs them."""


def pytest_ignore_collect(collection_path, config):
    if collection_path.name == "test_image.py" and not config.getoption("--image"):
        return True
    return None
