import pytest

from tests.dated_tasks.world import CalendarWorld
from tests.faces import admin, app, app_of, settings_of  # noqa: F401 - fixtures.


@pytest.fixture
def world_of(databases):
    """Build calendars that are closed at the end of the test; a second one is a restart."""
    built = []

    def make(**settings):
        clock = built[-1].clock if built else None
        world = CalendarWorld(databases.folder, clock, **settings)
        built.append(world)
        return world

    yield make
    for world in built:
        world.close()


@pytest.fixture
def world(world_of):
    return world_of()
