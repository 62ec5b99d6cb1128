"""Every cause of the page about database connections, drilled on a real server that the test may stop."""

import pytest

from tests.postgresql.cluster import Cluster
from tests.postgresql.drilled import LookingClock, drilled
from tests.postgresql.world import World
from trimtab.drills.run import run_drill
from trimtab.infra.shipped import shipped
from trimtab.kernel.operable import Realism
from trimtab.runbooks.page import parse_page

FILE = shipped("library") / "database-connections.md"
PAGE = parse_page(FILE.read_text(encoding="utf-8"), FILE.name)
FEATURES = {
    "a-query-runs-for-over-ten-minutes": ("F222", "F233"),
    "sessions-wait-for-a-lock": ("F221",),
    "all-connections-are-in-use": ("F223", "F224"),
    "connections-are-refused": ("F224",),
    "connections-time-out": ("F214",),
}


@pytest.fixture(scope="module")
def breakable():
    made = Cluster(max_connections=25)
    made.start()
    yield made
    made.close()


def test_the_page_has_these_causes():
    assert {cause.id.partition("/")[2] for cause in PAGE.causes} == set(FEATURES)
    assert PAGE.needs == "postgresql"


@pytest.mark.parametrize(
    "cause",
    [pytest.param(name, marks=pytest.mark.feature(*marks)) for name, marks in FEATURES.items()],
)
def test_the_cause_is_found_repaired_and_verified(breakable, cause, tmp_path):
    world = World(breakable, LookingClock(), refresh_seconds=15)
    service, database = drilled(world, [PAGE], tmp_path)
    try:
        result = run_drill(service, f"{PAGE.id}/{cause}", timeout_seconds=20_000)
        told = [entry.text for entry in service.incidents.timeline(result.incident_id)]
        assert result.passed, (result, told)
        assert result.realism is Realism.REAL
    finally:
        database.close()
        world.close()
