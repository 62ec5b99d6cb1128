"""A disk of a few megabytes that can really be filled."""

import pytest

from tests.full_disk import small_file_system


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 30 MB."""
    with small_file_system(tmp_path / "disk", megabytes=30) as mount:
        yield mount
