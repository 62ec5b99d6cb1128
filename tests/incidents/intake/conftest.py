import pytest

from tests.incidents.intake.desk import make_desk


@pytest.fixture
def desk(databases):
    return make_desk(databases.folder)
