import pytest

from tests.console.browser import chromium, page  # noqa: F401 - fixtures.
from tests.faces import (  # noqa: F401 - fixtures.
    admin,
    anonymous,
    app,
    app_of,
    control,
    settings_of,
    tank,
)
from tests.processes import command, data_dir, serve  # noqa: F401 - fixtures.
from trimtab.knowledge.model_store import MiniLmStore


@pytest.fixture
def models(tmp_path):
    """Make files of its own: a test of the console deletes them."""
    folder = tmp_path / "models"
    MiniLmStore(folder / "minilm", 1).install()
    return folder
