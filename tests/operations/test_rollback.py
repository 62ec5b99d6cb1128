"""Before a rollback: whether there is something to go back to."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from trimtab.app.checklists import Readings
from trimtab.gates.selftest.sample_project import add_package
from trimtab.gates.supply_chain import Snapshot
from trimtab.operations.checklists import Checklists
from trimtab.testing.clock import FakeClock

CLOCK = FakeClock()


def backups(age):
    at = CLOCK.now() - age if age is not None else None
    good = SimpleNamespace(path=SimpleNamespace(name="b.db"), at=at) if at else None
    return SimpleNamespace(newest_good=lambda: good)


def checklists(age=None):
    audit = SimpleNamespace(audit=SimpleNamespace(clock=CLOCK))
    return Checklists(
        Readings(None, None, None, backups(age), None), None, None, audit, None, tuple
    )


def of(age):
    return {result.id: result for result in checklists(age).run("rollback")}


def test_with_a_fresh_backup_and_readable_settings_every_rollback_may_start(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = of(timedelta(hours=1))
    assert list(found) == ["ENT-06", "ENT-07", "ENT-08", "ENT-09"]
    assert all(result.passed for result in found.values())
    assert "check out the tag before" in found["ENT-06"].detail


@pytest.mark.parametrize(("age", "database"), [(timedelta(hours=27), True), (None, False)])
def test_without_a_fresh_backup_one_is_taken_first(age, database, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = of(age)
    assert "knowledge.backup.take" in found["ENT-06"].todo
    assert "knowledge.backup.take" in found["ENT-09"].todo
    assert found["ENT-08"].passed is database


def test_a_broken_settings_file_names_how_to_put_the_last_good_one_back(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trimtab.toml").write_text("[service]\nno_such = 1\n", encoding="utf-8")
    found = of(timedelta(hours=1))
    assert "git checkout COMMIT -- trimtab.toml" in found["ENT-07"].todo
    assert not found["ENT-09"].passed


@pytest.mark.feature("F434")
def test_the_month_audits_what_is_installed_against_the_known_advisories(monkeypatch):
    record = {
        "id": "TEST-1",
        "affected": [
            {
                "package": {"name": "numpy", "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99"}]}],
            }
        ],
    }
    monkeypatch.setattr(
        Snapshot, "load", lambda: Snapshot({"numpy": [record]}, CLOCK.now().date(), 1)
    )
    found = checklists()._dependencies()
    assert not found.passed
    assert "TEST-1, fixed in 99" in found.todo


def test_old_advisories_are_something_to_do(monkeypatch):
    old = CLOCK.now().date() - timedelta(days=91)
    monkeypatch.setattr(Snapshot, "load", lambda: Snapshot({}, old, 0))
    found = checklists()._dependencies()
    assert f"the advisories are of {old}" in found.todo


@pytest.mark.feature("F435")
@pytest.mark.parametrize(
    ("version", "named"),
    [("4.39.9", True), ("4.40", False), ("4.99.1", False), ("5.0.0rc1", True), ("5.0.0", True)],
)
def test_the_month_names_a_transformers_outside_its_pin(monkeypatch, tmp_path, version, named):
    add_package(tmp_path, "transformers", version)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(Snapshot, "load", lambda: Snapshot({}, CLOCK.now().date(), 0))
    found = checklists()._dependencies()
    assert (
        f"transformers {version} is installed, the pin is transformers<5,>=4.40" in found.todo
    ) is named
