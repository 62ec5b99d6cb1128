import pytest

from tests.incidents.operator import make_operator, until
from trimtab.incidents import State


@pytest.fixture
def operator(databases):
    return make_operator(databases.folder)


@pytest.fixture
def waiting(operator):
    operator.world.put(tap=1, level=1)
    return operator, until(operator, operator.fire(), State.AWAITING_APPROVAL)
