"""A models domain for each test."""

import pytest

from tests.models.factory import models_in


@pytest.fixture
def models(tmp_path):
    with models_in(tmp_path / "data") as found:
        yield found
