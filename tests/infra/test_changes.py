"""Changes are kept over restarts, bounded, without values, and what trimtab cannot take back it says."""

import math

import pytest

from trimtab.infra.changes import (
    ChangeKind,
    ChangeLog,
    NothingToRollBack,
    actions,
)
from trimtab.infra.settings import load
from trimtab.infra.settings.digest import digests
from trimtab.kernel.operable import ActionContext, Catalog
from trimtab.testing.clock import FakeClock

KEY = b"0123456789abcdef"


class Lives:
    """The same data directory, started again and again."""

    def __init__(self, databases, folder):
        self._databases = databases
        self.path = folder / "state.db"
        self.clock = FakeClock()
        self._open = []

    def start(self):
        database = self._databases.at(self.path, ("state",))
        self._open.append(database)
        return ChangeLog(self.clock, database)

    def close(self):
        while self._open:
            self._open.pop().close()


@pytest.fixture
def lives(databases, tmp_path):
    made = Lives(databases, tmp_path)
    yield made
    made.close()


def settings(**flags):
    return digests(load(flags=flags, environment={}), KEY)


def test_a_change_at_run_time_is_there_after_a_restart_with_its_age(lives):
    lives.start().record("alice", "answers.generator.prefer", {"generator": "first"})
    lives.clock.advance(600)
    after = lives.start()
    change = after.newest()
    assert (change.actor, change.action) == ("alice", "answers.generator.prefer")
    assert dict(change.undo_arguments) == {"generator": "first"}
    assert after.age_seconds() == pytest.approx(600)


def test_a_change_that_was_rolled_back_stays_away_and_a_drills_is_never_kept(lives):
    log = lives.start()
    log.record("alice", "first", {"n": 1})
    log.record("bob", "second", {"n": 2})
    log.record("drill", "third", {"n": 3})
    assert log.newest().actor == "drill"
    assert lives.start().newest().actor == "bob"
    log.forget(log.newest())
    log.forget(log.newest())
    assert lives.start().newest().actor == "alice"


@pytest.mark.parametrize(("recorded", "kept"), [(100, 100), (101, 100)])
def test_the_newest_hundred_changes_are_kept(lives, recorded, kept):
    log = lives.start()
    for number in range(recorded):
        log.record("alice", f"act {number}", {"n": number})
    again, found = lives.start(), []
    while (change := again.newest()) is not None:
        found.append(change.action)
        again.forget(change)
    assert (len(found), found[0]) == (kept, f"act {recorded - 1}")


def test_a_first_start_and_an_equal_one_are_no_change(lives):
    assert lives.start().note_start("0.1.0", settings()) == []
    assert lives.start().note_start("0.1.0", settings()) == []
    assert lives.start().newest() is None


@pytest.mark.feature("F453")
def test_another_release_is_recorded_at_its_start_with_the_errors_before_it(lives):
    first = lives.start()
    first.note_start("0.1.0", settings())
    first.note_stop(3)
    (change,) = lives.start().note_start("0.2.0", settings())
    assert (change.kind, change.action) == (ChangeKind.RELEASE, "0.1.0 -> 0.2.0")
    assert change.errors_before == 3
    assert lives.start().newest().errors_before == 3


def test_after_a_sudden_end_the_errors_before_are_unknown(lives):
    first = lives.start()
    first.note_start("0.1.0", settings())
    first.note_stop(0)
    lives.start().note_start("0.2.0", settings())
    (change,) = lives.start().note_start("0.3.0", settings())
    assert math.isnan(change.errors_before)
    assert math.isnan(lives.start().newest().errors_before)


@pytest.mark.on_files
@pytest.mark.feature("F453")
def test_changed_settings_are_recorded_by_name_and_never_by_value(lives):
    lives.start().note_start("0.1.0", settings())
    changed = settings(
        **{"answers.second_key": "topsecret-7", "answers.watch_window_minutes": "30"}
    )
    (change,) = lives.start().note_start("0.1.0", changed)
    assert change.kind is ChangeKind.SETTINGS
    assert set(change.action.split(", ")) == {"answers.second_key", "answers.watch_window_minutes"}
    lives.close()
    assert b"topsecret-7" not in lives.path.read_bytes()


def test_a_setting_that_only_one_release_has_was_changed_by_nobody(lives):
    lives.start().note_start("0.1.0", {**settings(), "old.one": "x"})
    assert lives.start().note_start("0.1.0", {**settings(), "new.one": "y"}) == []


def test_a_digest_depends_on_the_key_and_tells_nothing_without_it():
    assert settings() == settings()
    other = digests(load(flags={}, environment={}), b"another key")
    assert all(other[name] != found for name, found in settings().items())


@pytest.mark.parametrize(
    ("version", "flags", "told"),
    [
        ("0.2.0", {}, ("0.1.0 -> 0.2.0", "Install version 0.1.0 again")),
        (
            "0.1.0",
            {"answers.watch_window_minutes": "30"},
            ("answers.watch_window_minutes", "Restore the former values"),
        ),
    ],
)
def test_the_rollback_of_what_came_with_a_start_says_what_a_person_does(
    lives, version, flags, told
):
    lives.start().note_start("0.1.0", settings())
    log = lives.start()
    log.note_start(version, settings(**flags))
    (rollback,) = actions(log, lambda: Catalog((), (), ()))
    for act in (rollback.dry_run, rollback.run):
        with pytest.raises(NothingToRollBack) as refused:
            act({}, ActionContext("act", "alice"))
        assert told[0] in refused.value.message
        assert told[1] in refused.value.hint()
    assert log.newest() is not None
