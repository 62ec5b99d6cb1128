"""A model that serves, with a version before it."""

import pytest

from tests.models.factory import models_in, register


@pytest.fixture
def models(tmp_path, databases):
    """Return a models domain on each engine."""
    with models_in(tmp_path / "data", databases=databases) as found:
        yield found


@pytest.fixture
def two(models, tmp_path):
    """Return models with churn@1 as previous and churn@2 in production."""
    register(models, tmp_path)
    register(models, tmp_path, shift=0.4)
    models.registry.promote("churn", 1, "anna", "first")
    models.registry.promote("churn", 2, "anna", "second")
    return models
