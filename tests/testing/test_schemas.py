"""A database made by repeated statements is the one that the migrations make."""

import sqlite3

import pytest

from tests.schemas import MIGRATE, Replay
from trimtab.infra.storage import SqliteDatabase, migrate

CHAINS = sorted(folder.name for folder in migrate.MIGRATIONS.iterdir() if folder.is_dir())


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
    migrated, plain = [], getattr(migrate.upgrade, "_upgrade", migrate.upgrade)
    monkeypatch.setattr(migrate, "upgrade", lambda *given: migrated.append(given) or plain(*given))
    monkeypatch.setattr(migrate, "upgrade", Replay(migrate))
    for name in ("first.db", "second.db", "second.db"):
        SqliteDatabase(tmp_path / name, (chain,)).close()
    # The second one was made without a migration; opened again, it is at the newest revision.
    assert len(migrated) == 2
    assert content(tmp_path / "first.db") == content(tmp_path / "second.db")


def test_it_is_in_use():
    assert migrate.__name__ == MIGRATE
    assert isinstance(migrate.upgrade, Replay)
