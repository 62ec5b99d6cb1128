"""Sign-in links and sessions of the console, stored on each engine."""

import pytest

from trimtab.infra.audit import Audit
from trimtab.infra.auth import Keys, Role
from trimtab.infra.web.sessions import Sessions, SignInRefused
from trimtab.kernel.errors import Unauthenticated
from trimtab.testing.clock import FakeClock

HOUR = 3600
LINKS = 32


class World:
    def __init__(self, databases):
        self.clock = FakeClock()
        self._databases = databases
        self.keys = self.sessions = None
        self.restart()

    def restart(self):
        database = self._databases.open(("state",))
        self.keys = Keys(database, self.clock, Audit(database, self.clock))
        self.sessions = Sessions(database, self.keys, self.clock, b"s" * 32, hours=12)

    def sign_in(self):
        return self.sessions.cookie(self.keys.find_principal("ann"))


@pytest.fixture
def world(databases):
    made = World(databases)
    made.keys.create("ann", Role.OPERATOR, actor="test")
    return made


def test_a_link_is_redeemed_once_also_after_a_restart(world):
    link = world.sessions.new_link("ann")
    world.restart()
    assert world.sessions.redeem(link).name == "ann"
    with pytest.raises(SignInRefused):
        world.sessions.redeem(link)


def test_a_link_ends_after_an_hour(world):
    links = [world.sessions.new_link("ann") for _ in range(2)]
    world.clock.advance(HOUR - 1)
    assert world.sessions.redeem(links[0])
    world.clock.advance(1)
    with pytest.raises(SignInRefused):
        world.sessions.redeem(links[1])


def test_of_many_open_links_the_newest_are_kept(world):
    links = []
    for _ in range(LINKS + 1):
        links.append(world.sessions.new_link("ann"))
        world.clock.advance(1)
    with pytest.raises(SignInRefused):
        world.sessions.redeem(links[0])
    assert [world.sessions.redeem(link).name for link in links[1:]] == ["ann"] * LINKS


def test_a_session_that_was_ended_stays_ended_after_a_restart_and_others_go_on(world):
    ended, other = world.sign_in(), world.sign_in()
    world.sessions.end(ended)
    world.sessions.end(ended)
    world.restart()
    with pytest.raises(SignInRefused, match="signing out"):
        world.sessions.principal(ended)
    assert world.sessions.principal(other).name == "ann"


def test_a_session_ends_with_its_time_and_with_its_key(world):
    late = world.sign_in()
    world.clock.advance(12 * HOUR)
    with pytest.raises(SignInRefused, match="expired"):
        world.sessions.principal(late)
    link, revoked = world.sessions.new_link("ann"), world.sign_in()
    world.keys.revoke("ann", actor="test")
    for use in (lambda: world.sessions.principal(revoked), lambda: world.sessions.redeem(link)):
        with pytest.raises(Unauthenticated):
            use()
