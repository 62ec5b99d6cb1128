"""A model that serves, with a version before it."""

import pytest

from tests.models.factory import register


@pytest.fixture
def two(models, tmp_path):
    """Return models with churn@1 as previous and churn@2 in production."""
    register(models, tmp_path)
    register(models, tmp_path, shift=0.4)
    models.registry.promote("churn", 1, "anna", "first")
    models.registry.promote("churn", 2, "anna", "second")
    return models
