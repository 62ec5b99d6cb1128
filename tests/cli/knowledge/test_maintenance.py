"""Backups, restore and the proof of deletion from the command line."""

import pytest


@pytest.fixture
def sea(trimtab, tmp_path, models):
    paper = tmp_path / "whales.md"
    paper.write_text("Whales sing.")
    assert trimtab("ingest", "sea", str(paper), "--json").code == 0
    return trimtab


def test_backups_are_made_listed_and_checked(sea, data_dir):
    made = sea("knowledge", "backup", "--json").json
    (listed,) = sea("knowledge", "backups", "--check", "--json").json["backups"]
    assert (listed["name"], listed["good"]) == (made["name"], True)
    with (data_dir / "backups" / made["name"]).open("r+b") as file:
        file.write(b"no database")
    checked = sea("knowledge", "backups", "--check", "--json")
    assert (checked.code, checked.json["backups"][0]["good"]) == (1, False)


def test_a_restore_says_what_is_lost_before_it_does_it(sea, tmp_path):
    sea("knowledge", "backup")
    (tmp_path / "crabs.md").write_text("Crabs walk sideways.")
    sea("ingest", "sea", str(tmp_path / "crabs.md"))
    dry = sea("knowledge", "restore", "--dry-run", "--json").json
    assert (dry["restored"], dry["lost"]) == (False, 1)
    assert not sea("knowledge", "restore", "--json").json["restored"]
    assert sea("knowledge", "restore", "--force", "--yes", "--json").json["restored"]
    left = sea("documents", "list", "sea", "--json").json["documents"]
    assert [document["name"] for document in left] == ["whales.md"]


def test_a_database_that_keeps_the_service_from_starting_is_recovered(sea, data_dir):
    sea("knowledge", "backup")
    with (data_dir / "knowledge.db").open("r+b") as file:
        file.write(b"no database")
    refused = sea("documents", "list", "sea")
    assert (refused.code, "knowledge recover" in refused.err) == (1, True)
    assert sea("knowledge", "recover", "--json").json["documents"] == 1
    assert "Whales sing." in sea("search", "sea", "whales").out


def test_the_proof_fails_when_something_deleted_is_still_there(sea, data_dir):
    sea("documents", "delete", "sea", "whales.md", "--yes")
    assert sea("knowledge", "verify", "--json").json["holds"]
    (noted,) = (data_dir / "knowledge.deletions").read_text().splitlines()
    witness = noted.partition("chk_")[2][:32]
    with (data_dir / "knowledge.db").open("ab") as file:
        file.write(b"chk_" + witness.encode())
    found = sea("knowledge", "verify", "--json")
    assert found.code == 1
    assert "remains of" in found.json["violations"][0]
