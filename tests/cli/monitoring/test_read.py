"""`read` shows each signal once, also one that has no value yet."""

from types import SimpleNamespace

import pytest

from tests.faces import app_of, client_of, key_of, settings_of  # noqa: F401 - fixtures.
from trimtab.cli.monitoring.catalog import read
from trimtab.cli.runtime.session import Session
from trimtab.infra.auth import Role


@pytest.fixture
def lines(app_of, capsys):  # noqa: F811 - a fixture.
    """Read signals; return the lines below the header."""
    app = app_of()
    http = client_of(app, key=key_of(app, Role.ADMIN))
    client = SimpleNamespace(
        call=lambda method, path, params: http.request(method, path, params=params).json()
    )
    session = Session(None, {}, url="", api_key="", json=False, _client=client)

    def run(*names):
        capsys.readouterr()
        read(SimpleNamespace(find_root=lambda: SimpleNamespace(obj=session)), list(names))
        return capsys.readouterr().out.splitlines()[1:]

    return run


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("knowledge.cache.hit_ratio", id="measured apart in drills"),
        pytest.param("service.dependency.breaker", id="no service outside"),
    ],
)
def test_a_signal_without_a_value_has_one_line(lines, name):
    (line,) = lines(name)
    assert line.split()[:4] == [name, "no", "value", "yet"]


def test_a_list_of_all_leaves_out_what_nothing_measures(lines):
    names = [line.split()[0] for line in lines() if line.strip()]
    assert "service.dependency.breaker" not in names
    assert names.count("knowledge.cache.hit_ratio") == 1
