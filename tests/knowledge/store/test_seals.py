"""A changed byte inside a value is noticed where it is read, and by the check."""

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from trimtab.knowledge.errors import DatabaseDamaged
from trimtab.knowledge.store.database import seal
from trimtab.knowledge.store.integrity import Damage
from trimtab.knowledge.store.tables import vectors

VALUES = st.lists(st.none() | st.integers() | st.text() | st.binary(), max_size=5)


@pytest.fixture
def sea(knowledge, clock):
    knowledge.ingest_text("sea", "whales.md", "# Song\n\nWhales sing.")
    knowledge.documents.set_metadata("sea", "whales.md", tags=["loud"], labels=["staff"])
    clock.seconds += 60
    knowledge.maintenance.backup()
    return knowledge


def change(knowledge, statement):
    with knowledge.database.write() as connection:
        connection.exec_driver_sql(statement)
    knowledge.caches.empty()
    knowledge.indexes.restart()


@given(VALUES, VALUES)
def test_values_that_differ_have_different_seals(one, other):
    assert (seal(*one) == seal(*other)) == ([*map(repr, one)] == [*map(repr, other)])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE chunks SET text = replace(text, 'sing', 'sink')",
        "UPDATE chunks SET page = 7",
        "UPDATE documents SET title = 'Other'",
        "UPDATE projects SET created_at = '2025-01-01T00:00:00+00:00'",
    ],
)
def test_nothing_is_answered_from_a_row_that_changed(sea, statement):
    change(sea, statement)
    with pytest.raises(DatabaseDamaged) as caught:
        sea.search("sea", "whales")
    assert caught.value.hint()
    assert sea.maintenance.check().damage is Damage.TABLE
    sea.maintenance.recover()
    assert sea.maintenance.check().ok
    assert sea.search("sea", "whales").passages[0].text.endswith("Whales sing.")


def test_a_changed_vector_lets_words_answer_until_it_is_made_again(sea):
    with sea.database.write() as connection:
        connection.execute(sa.update(vectors).values(vector=bytes(128)))
    sea.indexes.restart()
    assert sea.search("sea", "whales").degraded_mode
    assert sea.maintenance.check().damage is Damage.INDEX
    assert sea.maintenance.repair_indexes().ok
    sea.drain()
    assert not sea.search("sea", "whales").degraded_mode


def test_a_changed_label_is_found_and_comes_back_from_the_backup(sea):
    change(sea, "UPDATE metadata SET value = 'public' WHERE name = 'label'")
    assert sea.maintenance.check().damage is Damage.TABLE
    sea.maintenance.recover()
    assert not sea.search("sea", "whales", labels=["public"]).passages
    assert sea.search("sea", "whales", labels=["staff"]).passages
