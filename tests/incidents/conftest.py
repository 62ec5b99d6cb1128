import pytest

from tests.incidents.operator import make_operator


@pytest.fixture
def operator(tmp_path):
    return make_operator(tmp_path)
