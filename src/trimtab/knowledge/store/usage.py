"""Stores frequent queries and the sizes that an operator chose."""

from collections.abc import Mapping

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.knowledge.store.database import seal, sealed
from trimtab.knowledge.store.dialect import insert_or_add
from trimtab.knowledge.store.tables import frequent_queries, projects, tuning


class UsageStore:
    """Keeps both over restarts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, asked: Mapping[tuple[int, str], int], most: int) -> None:
        """Add the counts by project key and query; keep the ``most`` frequent of all."""
        with self._database.write() as connection:
            alive = set(connection.scalars(sa.select(projects.c.key)))
            rows = [
                {"project_key": project, "query": query, "asked": count}
                for (project, query), count in asked.items()
                # PostgreSQL cannot store NUL, and no user types it.
                if project in alive and "\0" not in query
            ]
            if rows:
                counter = frequent_queries.c.asked
                connection.execute(insert_or_add(connection, frequent_queries, counter), rows)
            least = connection.scalar(
                sa.select(frequent_queries.c.asked)
                .order_by(frequent_queries.c.asked.desc())
                .offset(most)
                .limit(1)
            )
            if least is not None:
                connection.execute(
                    sa.delete(frequent_queries).where(frequent_queries.c.asked <= least)
                )

    def frequent(self, limit: int) -> list[tuple[str, str]]:
        """Return project names and queries, the most frequent first."""
        statement = (
            sa.select(projects.c.name, frequent_queries.c.query)
            .join_from(frequent_queries, projects, projects.c.key == frequent_queries.c.project_key)
            .order_by(frequent_queries.c.asked.desc(), frequent_queries.c.query)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [(row.name, row.query) for row in connection.execute(statement)]

    def asked_often(self, times: int) -> list[tuple[int, str]]:
        """Return project keys and queries that were asked at least this often."""
        statement = sa.select(frequent_queries.c.project_key, frequent_queries.c.query).where(
            frequent_queries.c.asked >= times
        )
        with self._database.read() as connection:
            return [(row.project_key, row.query) for row in connection.execute(statement)]

    def forget(self) -> int:
        """Drop every frequent query; return how many there were."""
        with self._database.write() as connection:
            return int(connection.execute(sa.delete(frequent_queries)).rowcount)

    def tuned(self) -> dict[str, int]:
        """Return the sizes that an operator chose, by name."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(tuning)).all()
        # A damaged size must not prevent a start: the setting applies until a check repairs it.
        return {row.name: row.value for row in rows if row.seal == seal(row.name, row.value)}

    def tune(self, sizes: Mapping[str, int]) -> None:
        """Keep these sizes; 0 forgets one, so that the setting applies again."""
        with self._database.write() as connection:
            for name, value in sizes.items():
                connection.execute(sa.delete(tuning).where(tuning.c.name == name))
                if value:
                    connection.execute(
                        sa.insert(tuning).values(sealed("tuning", {"name": name, "value": value}))
                    )
