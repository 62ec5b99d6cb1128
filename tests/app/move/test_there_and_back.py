"""An installation moves to PostgreSQL and back, and every row, seal and search is the same."""

from tests.app.move.conftest import move_to


def test_an_installation_moves_there_and_back(folder, server):
    there = move_to(server.url, folder)
    back = move_to("sqlite:", folder, server.url)
    assert there.rows > 100
    print(there)
    print(back)
