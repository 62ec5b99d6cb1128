"""A database can be put together by hand from `schema.sql`."""

import sqlite3
from contextlib import closing

import pytest

from trimtab.knowledge.schema import schema_sql


def tidy(sql):
    return " ".join(sql.split())


@pytest.mark.feature("F750")
def test_schema_sql_makes_what_the_migrations_make(knowledge):
    look = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    with knowledge.database.read() as connection:
        ours = {(kind, name, tidy(sql)) for kind, name, sql in connection.exec_driver_sql(look)}
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript(schema_sql())
        assert {(kind, name, tidy(sql)) for kind, name, sql in made.execute(look)} == ours


@pytest.mark.feature("F719")
def test_a_database_made_from_schema_sql_is_opened_and_takes_documents_in(open_knowledge, tmp_path):
    (tmp_path / "data").mkdir()
    made = sqlite3.connect(tmp_path / "data" / "knowledge.db")
    made.executescript(schema_sql())
    made.close()
    knowledge = open_knowledge()
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    assert knowledge.search("sea", "whales").passages[0].document_name == "whales.md"
    assert knowledge.maintenance.check().ok
