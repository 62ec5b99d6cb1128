"""What only a PostgreSQL server has: schemas, collations, checks of a start, lost connections."""

import sqlalchemy as sa

STATE = ("state", "incidents", "answers", "review", "evaluation", "notify", "calendar")


def test_each_chain_has_a_schema_of_its_name_with_texts_in_the_order_of_bytes(postgres):
    database = postgres.open(STATE)
    with database.read() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT table_schema, table_name, column_name, data_type, collation_name"
                " FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
            )
        ).all()
    assert {row.table_schema for row in rows} == set(STATE)
    texts = [row for row in rows if row.data_type in ("text", "character varying")]
    assert {(row.data_type, row.collation_name) for row in texts} == {("text", "C")}
    assert "integer" not in {row.data_type for row in rows}
