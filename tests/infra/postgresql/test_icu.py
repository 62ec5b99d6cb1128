"""A server whose databases order texts by the rules of a language with ICU, as many installations have it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.answers.test_store import a_trace
from tests.postgresql.cluster import Cluster
from tests.postgresql.packages import debian_binaries
from trimtab.answers.records import TraceFilter
from trimtab.answers.store import TraceStore
from trimtab.infra.storage.postgresql import PostgresDatabase, PostgresServer

SECOND = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
LATER = SECOND + timedelta(milliseconds=500)


class IcuCluster(Cluster):
    """A server of Debian's package, because the one of the wheel is built without ICU."""

    def make(self):
        provider = ("--locale-provider=icu", "--icu-locale=en", "--encoding=UTF8")
        self.run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "-N", *provider)


@pytest.fixture(scope="module")
def icu_cluster():
    made = IcuCluster(debian_binaries())
    made.start()
    yield made
    made.close()


@pytest.fixture
def database(icu_cluster, monkeypatch):
    # Debian 12 has PostgreSQL 15, whose ICU orders as that of later releases.
    monkeypatch.setattr("trimtab.infra.storage.postgresql.server._OLDEST", 150000)
    server = PostgresServer(icu_cluster.url, allow_unsafe=True)
    opened = PostgresDatabase(server, "state", ("answers", "knowledge"))
    yield opened
    opened.close()


def test_stamps_and_pages_of_lists_are_in_order_where_the_server_would_order_otherwise(
    icu_cluster, database
):
    with icu_cluster.connect() as connection:
        # Else the server does not show what is tested here.
        by_language = "SELECT %s::text < %s::text"
        stamps = (SECOND.isoformat(), LATER.isoformat())
        assert connection.execute(by_language, stamps).fetchone() == (False,)
        assert connection.execute(by_language, ("a", "B")).fetchone() == (True,)

    store, made, one = TraceStore(database), [], a_trace()
    for number, at in enumerate((SECOND, LATER, SECOND + timedelta(seconds=1))):
        for letter in ("B", "a"):  # The ids of one instant break the tie, by their bytes.
            answer = replace(one.answer, created_at=at, trace_id=f"trace_{letter}{number}")
            made.append(replace(one, id=answer.trace_id, answer=answer))
            store.keep(made[-1])
    newest_first = [trace.id for trace in reversed(made)]
    assert [trace.id for trace in store.recent(10)] == newest_first
    assert [trace.id for trace in store.since(LATER, 10)] == newest_first[:4]

    pages, before = [], None
    while page := store.matching(TraceFilter(before=before), 1):
        before = page[0].id
        pages.append(before)
    assert pages == newest_first
