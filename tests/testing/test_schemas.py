"""A database made by repeated statements is the one that the migrations make."""

import sqlite3

import pytest

from tests.schemas import DATABASE, Replay
from trimtab.infra.storage import Database
from trimtab.infra.storage.sqlite import database

CHAINS = sorted(folder.name for folder in database.MIGRATIONS.iterdir() if folder.is_dir())


def content(file):
    """Return the definitions and the rows of every table."""
    with sqlite3.connect(file) as connection:
        made = connection.execute(
            "SELECT type, name, sql FROM sqlite_master ORDER BY name"
        ).fetchall()
        tables = [name for kind, name, _ in made if kind == "table"]
        return made, {
            name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables
        }


@pytest.mark.parametrize("chain", CHAINS)
def test_the_repeated_statements_make_what_the_migrations_make(tmp_path, monkeypatch, chain):
    migrated, plain = [], getattr(database._upgrade, "_upgrade", database._upgrade)
    monkeypatch.setattr(
        database, "_upgrade", lambda *given: migrated.append(given) or plain(*given)
    )
    monkeypatch.setattr(database, "_upgrade", Replay(database))
    for name in ("first.db", "second.db", "second.db"):
        Database(tmp_path / name, (chain,)).close()
    # The second one was made without a migration; opened again, it is at the newest revision.
    assert len(migrated) == 2
    assert content(tmp_path / "first.db") == content(tmp_path / "second.db")


def test_it_is_in_use():
    assert database.__name__ == DATABASE
    assert isinstance(database._upgrade, Replay)
