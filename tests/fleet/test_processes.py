"""Two real processes on a real PostgreSQL: one leads, changes reach both, and one replaces the other."""

import pytest

from tests.fleet.processes import Fleet
from tests.processes import COMMAND, clean_environment, models, run  # noqa: F401 - fixtures.

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def fleet(postgres, tmp_path, models):  # noqa: F811 - a fixture.
    made = Fleet(tmp_path, postgres.server().url, models)
    made.start("a")
    made.start("b")
    yield made
    made.close()


def test_two_processes_share_keys_switches_and_the_lead(fleet):
    listed = run(fleet.services["b"].data_dir, "fleet")
    assert listed.code == 0, listed.err
    assert sum(word in ("leads", "live") for word in listed.out.split()) == 2
    assert fleet.leader("b") == fleet.id_of("a")

    made = fleet.call("a", "POST", "/v1/keys", json={"name": "ci", "role": "reader"})
    headers = {"authorization": f"Bearer {made.json()['key']}"}
    path = "/api/v1/projects"
    assert fleet.call("b", "GET", path, headers=headers).status_code == 200
    fleet.call("a", "DELETE", "/v1/keys/ci").raise_for_status()
    assert fleet.call("b", "GET", path, headers=headers).status_code == 401
