"""Faults of the database: bytes change in the file, the service's own checks notice, and a repair is judged by a search."""

import pytest

from trimtab.kernel.errors import Corrupt
from trimtab.knowledge.faults import faults
from trimtab.knowledge.operable.database_faults import NotRecovered
from trimtab.knowledge.store.integrity import Damage


@pytest.fixture
def break_it(knowledge, clock):
    """Inject a fault by its short name; return it with what its restore needs."""
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")

    def make(name, **given):
        (fault,) = [
            found
            for found in faults(knowledge, clock)
            if found.name == f"knowledge.database.{name}"
        ]
        defaults = {param.name: param.default for param in fault.params}
        return fault, fault.inject({**defaults, **given})

    return make


def files(knowledge):
    folder = knowledge.database.file.parent
    return sorted(
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.name.startswith(("corrupted", "knowledge.db")) and not file.name.endswith("-shm")
    )


def damage_found_by_the_schedule(knowledge):
    return knowledge.maintenance.check().damage


def test_a_lost_write_of_an_index_damages_the_index_only_and_its_repair_finds_everything(
    knowledge, break_it
):
    before = files(knowledge)
    fault, state = break_it("damage_index")
    assert knowledge.maintenance.integrity.ok  # The fault itself checks nothing.
    assert damage_found_by_the_schedule(knowledge) is Damage.INDEX
    knowledge.maintenance.repair_indexes()
    fault.restore(state)
    assert [found.name for found in knowledge.projects.list()] == ["sea"]
    assert files(knowledge) == before


@pytest.mark.parametrize("table", ["chunks", "vectors", "documents"])
def test_an_overwritten_page_is_damage_of_the_table_and_a_backup_brings_the_documents_back(
    knowledge, break_it, table
):
    before = files(knowledge)
    fault, state = break_it("damage_table", table=table)
    assert damage_found_by_the_schedule(knowledge) is Damage.TABLE
    done = knowledge.maintenance.restore()
    assert done.lost != 0  # What came after the backup.
    fault.restore(state)
    assert [found.name for found in knowledge.projects.list()] == ["sea"]
    assert files(knowledge) == before


def test_an_old_backup_and_the_readable_rest_together_bring_every_document_back(
    knowledge, break_it
):
    fault, state = break_it("damage_table_old_backup")
    assert damage_found_by_the_schedule(knowledge) is Damage.TABLE
    assert 3 * 3600 <= knowledge.maintenance.backups.age_seconds() < 3 * 3600 + 60
    knowledge.maintenance.recover()
    assert knowledge.documents.text(str(state["project"]), "before-0.md").startswith(
        "# Note before 0"
    )
    assert knowledge.documents.text(str(state["project"]), "after-11.md").startswith("# Note after")
    fault.restore(state)
    assert not knowledge.maintenance.backups.list()


def test_a_read_of_a_damaged_document_is_what_makes_the_service_check_itself(knowledge, break_it):
    break_it("damage_table")
    assert knowledge.database.suspect
    knowledge.beat()
    assert knowledge.maintenance.integrity.damage is Damage.TABLE


def test_a_check_that_the_schedule_missed_is_made_up_for_by_the_heartbeat(
    knowledge, break_it, clock
):
    break_it("damage_index")
    knowledge.beat()
    clock.seconds += 31 * 60
    knowledge.beat()
    assert (
        knowledge.maintenance.integrity.ok
    )  # Nothing has looked yet: the index is not read by anybody.
    clock.seconds += 1
    knowledge.beat()
    assert knowledge.maintenance.integrity.damage is Damage.INDEX


def test_a_repair_after_which_damaged_documents_are_missing_does_not_pass(knowledge, break_it):
    fault, state = break_it("damage_table_old_backup")
    knowledge.maintenance.recover()
    knowledge.documents.delete(str(state["project"]), "before-0.md")
    with pytest.raises(NotRecovered, match=r"before-0\.md"):
        fault.restore(state)


def test_without_a_repair_the_database_is_as_it_was(knowledge, break_it):
    fault, state = break_it("damage_table")
    fault.restore(state)
    assert knowledge.maintenance.check().ok
    assert knowledge.documents.text("sea", "whales.md") == "Whales sing."


def test_backups_that_a_killed_drill_hid_are_back_at_the_next_start(knowledge, break_it, clock):
    kept = knowledge.maintenance.backup().path
    clock.seconds += 60
    break_it("damage_table")
    assert not kept.exists()
    list(faults(knowledge, clock))
    assert kept.exists()


def fails(knowledge, query):
    try:
        knowledge.search("drill-traffic", query, 1)
    except Corrupt:
        return True
    return False


@pytest.mark.parametrize("length", range(200, 1000, 100))
def test_the_overwritten_pages_hold_some_of_what_a_drill_searches(
    knowledge, clock, break_it, length
):
    # How passages lie on pages depends on their lengths.
    names = ("whales", "gulls", "seals", "crabs", "squids", "terns")
    for name in names:
        knowledge.ingest_text("sea", f"{name}.md", f"{name} live in the sea. " * (length // 24))
    by_name = {found.name: found for found in faults(knowledge, clock)}
    traffic = by_name["knowledge.traffic.search"]
    state = traffic.inject({"per_second": 0.01})
    fault, damaged = break_it("damage_table", table="chunks")
    try:
        assert any(fails(knowledge, f"{name} live in the sea 12345") for name in names)
    finally:
        knowledge.maintenance.restore()
        fault.restore(damaged)
        traffic.restore(state)
