"""A move that is killed at any place leaves an installation that works, and a second run moves it."""

import random
import signal
from contextlib import ExitStack

import pytest

from tests import forks
from tests.app.move import killed
from tests.app.move.conftest import move_to, settings_of
from trimtab.infra.environment import open_environment
from trimtab.infra.storage.errors import InstallationMoved, MoveUnfinished, TwoInstallations
from trimtab.kernel.clock import SystemClock

pytestmark = pytest.mark.timeout(300)

REPORTS = 150
"""About how often a move reports its progress."""
RNG = random.Random()
AT_ONCE = range(1)
LATER = range(1, REPORTS)


def kill(function, *arguments, folder):
    ended = forks.run(
        function, *map(str, arguments[:3]), *arguments[3:], folder=folder, timeout=100
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr[-2000:]


def events(folder, url=""):
    """Start the environment of a process; return the length of the audit chain."""
    with ExitStack() as closing:
        env = open_environment(settings_of(folder, url), SystemClock(), closing)
        report = env.audit.verify()
        assert report.problems == ()
        return report.events


# Drawn in the test: workers must collect the same names.
@pytest.mark.parametrize("reports", [AT_ONCE, LATER], ids=["at_once", "later"])
def test_killed_while_it_copies_to_postgresql(folder, server, tmp_path, reports):
    before, after = events(folder), RNG.choice(reports)
    kill(killed.move_and_die, folder, server.url, "", after, folder=tmp_path)
    assert events(folder) == before
    with pytest.raises((TwoInstallations, MoveUnfinished)):
        events(folder, server.url)
    move_to(server.url, folder)
    assert events(folder, server.url) == before + 1


def test_killed_while_it_copies_back(folder, server, tmp_path):
    move_to(server.url, folder)
    before, after = events(folder, server.url), RNG.randrange(REPORTS)
    kill(killed.move_and_die, folder, "sqlite:", server.url, after, folder=tmp_path)
    with pytest.raises(InstallationMoved):
        events(folder)
    assert events(folder, server.url) == before
    move_to("sqlite:", folder, server.url)
    assert events(folder) == before + 1


@pytest.mark.parametrize(
    ("place", "when", "moved"),
    [
        ("proven", "after", False),
        ("write_note", "after", True),
        ("active", "after", True),
    ],
)
def test_killed_in_the_switch_to_postgresql(folder, server, tmp_path, place, when, moved):
    before = events(folder)
    kill(killed.switch_and_die, folder, server.url, "", place, when, folder=tmp_path)
    if moved:
        with pytest.raises(InstallationMoved):
            events(folder)
        assert events(folder, server.url) == before
    else:
        assert events(folder) == before
        with pytest.raises((TwoInstallations, MoveUnfinished)):
            events(folder, server.url)


@pytest.mark.parametrize(
    ("place", "when", "moved"),
    [
        ("returning", "after", False),
        ("write_note", "after", True),
        ("finish_return", "after", True),
    ],
)
def test_killed_in_the_switch_back(folder, server, tmp_path, place, when, moved):
    move_to(server.url, folder)
    before = events(folder, server.url)
    kill(killed.switch_and_die, folder, "sqlite:", server.url, place, when, folder=tmp_path)
    if moved:
        with pytest.raises(InstallationMoved):
            events(folder, server.url)
        assert events(folder) == before + 1
    else:
        with pytest.raises(InstallationMoved):
            events(folder)
        assert events(folder, server.url) == before
