import pytest

from tests.review.world import ReviewWorld


@pytest.fixture
def world_of(databases):
    """Build review worlds that are closed at the end of the test."""
    built = []

    def make(*sources, **settings):
        world = ReviewWorld(databases.folder, *sources, **settings)
        built.append(world)
        return world

    yield make
    for world in built:
        world.close()


@pytest.fixture
def world(world_of):
    return world_of()
