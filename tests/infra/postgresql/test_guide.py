"""docs/how-to/run-on-postgresql.md: its statements prepare a server, and it names what a start checks."""

import re
from pathlib import Path

import psycopg

from trimtab.infra.environment import STATE_CHAINS
from trimtab.infra.settings.sections.service import ServiceSettings
from trimtab.infra.storage.postgresql import PostgresDatabase, PostgresServer
from trimtab.infra.storage.postgresql import server as checks

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "run-on-postgresql.md").read_text()


def test_a_database_that_is_made_as_the_guide_says_is_accepted(own_cluster):
    [block] = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    for statement in filter(str.strip, block.split(";")):
        own_cluster.run(statement)
    url = own_cluster.process.socket_url.replace("postgres@/postgres", "trimtab:secret@/trimtab")
    database = PostgresDatabase(PostgresServer(url), "state", STATE_CHAINS)
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM state.audit_events").fetchone()
    database.close()
    assert found == (0,)


def test_the_guide_names_the_numbers_and_parameters_of_the_code():
    assert all(f"`{name}`" in PAGE for name in checks._DURABLE)
    assert f"older than {checks._OLDEST // 10000}" in PAGE
    assert f"`service.database_connections` ({ServiceSettings().database_connections})" in PAGE
