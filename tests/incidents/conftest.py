import pytest

from tests.incidents.operator import make_operator, until
from trimtab.incidents import State


@pytest.fixture
def operator(tmp_path):
    return make_operator(tmp_path)


@pytest.fixture
def waiting(operator):
    operator.world.put(tap=1, level=1)
    return operator, until(operator, operator.fire(), State.AWAITING_APPROVAL)
