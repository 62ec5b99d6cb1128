import pytest

from tests.incidents.intake.desk import make_desk


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path)
