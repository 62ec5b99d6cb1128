"""SQL of the flywheel and of the golden dataset, in the chain ``evaluation``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trimtab.evaluation.flywheel.records import (
    ClusterSummary,
    FailureCluster,
    FailureRecord,
    FlywheelReport,
    GoldenCase,
)
from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import replace_row
from trimtab.kernel.ids import sha256_hex

CHAIN = "evaluation"

_runs = sa.table(
    "flywheel_runs", *map(sa.column, ("week", "phase", "triaged_at", "done_at", "report"))
)
_failures = sa.table(
    "flywheel_failures",
    *map(sa.column, ("week", "trace_id", "cluster", "failure_type", "owner", "at")),
)
_clusters = sa.table(
    "flywheel_clusters",
    *map(sa.column, ("week", "cluster", "terms", "size", "status", "first_week", "first_at")),
)
_CASE = (
    "id",
    "project",
    "question",
    "answers",
    "documents",
    "labels",
    "trace_id",
    "owner",
    "annotator",
    "failure_type",
    "cluster",
    "week",
    "version",
    "failed_at",
    "added_at",
)
_LISTS = ("answers", "documents", "labels")
_cases = sa.table("golden_cases", *map(sa.column, _CASE))
_versions = sa.table(
    "golden_versions", *map(sa.column, ("version", "week", "sha256", "cases", "added", "at"))
)


class FlywheelStore:
    """Runs, failures, clusters and golden cases on disk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def report(self, week: str) -> FlywheelReport | None:
        """Return the stored report of a week; None before its phase 1."""
        query = sa.select(_runs.c.report).where(_runs.c.week == week)
        with self._database.read() as connection:
            text = connection.scalar(query)
        return None if text is None else _report(json.loads(text))

    def save_triage(
        self,
        report: FlywheelReport,
        failures: Sequence[FailureRecord],
        clusters: Sequence[FailureCluster],
        at: datetime,
    ) -> None:
        """Store phase 1 of a week in one transaction; a repetition replaces the former one."""
        cluster_of = {trace: each.id for each in clusters for trace in each.traces}
        with self._database.write() as connection:
            for table in (_failures, _clusters):
                connection.execute(sa.delete(table).where(table.c.week == report.week))
            for each in failures:
                row = {
                    "week": report.week,
                    "trace_id": each.trace_id,
                    "cluster": cluster_of.get(each.trace_id, ""),
                    "failure_type": each.failure_type,
                    "owner": each.owner,
                    "at": each.at,
                }
                connection.execute(sa.insert(_failures).values(**row))
            for cluster in clusters:
                found = {
                    "week": report.week,
                    "cluster": cluster.id,
                    "terms": json.dumps(cluster.terms),
                    "size": cluster.size,
                    "status": cluster.status,
                    "first_week": cluster.first_week,
                    "first_at": cluster.first_at,
                }
                connection.execute(sa.insert(_clusters).values(**found))
            _put_run(connection, report, triaged_at=at.isoformat(), done_at="")

    def save_done(
        self, report: FlywheelReport, cases: Sequence[GoldenCase], sha256: str, at: datetime
    ) -> None:
        """Store phase 2 of a week, its new cases and their version in one transaction."""
        with self._database.write() as connection:
            for case in cases:
                row = asdict(case)
                row |= {name: json.dumps(row[name]) for name in _LISTS}
                connection.execute(sa.insert(_cases).values(**row))
            if cases:
                connection.execute(
                    sa.insert(_versions).values(
                        version=report.golden_version,
                        week=report.week,
                        sha256=sha256,
                        cases=report.golden_cases,
                        added=len(cases),
                        at=at.isoformat(),
                    )
                )
            _put_run(connection, report, triaged_at=at.isoformat(), done_at=at.isoformat())

    def weeks_before(self, week: str) -> list[str]:
        """Return the weeks that were triaged before one, newest first."""
        query = sa.select(_runs.c.week).where(_runs.c.week < week).order_by(_runs.c.week.desc())
        with self._database.read() as connection:
            return [str(found) for found in connection.scalars(query)]

    def clusters(self, week: str) -> list[FailureCluster]:
        """Return a week's clusters, largest first, without their names."""
        query = sa.select(_clusters).where(_clusters.c.week == week)
        members = sa.select(_failures.c.cluster, _failures.c.trace_id).where(
            _failures.c.week == week
        )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_clusters.c.size.desc())).mappings().all()
            traces: dict[str, list[str]] = {}
            for cluster, trace in connection.execute(members):
                traces.setdefault(str(cluster), []).append(str(trace))
        return [
            FailureCluster(
                row["cluster"],
                "",
                json.loads(row["terms"]),
                tuple(traces.get(row["cluster"], ())),
                row["status"],
                row["first_week"],
                row["first_at"],
            )
            for row in rows
        ]

    def failures(self, week: str) -> list[Mapping[str, Any]]:
        """Return the rows of a week's failures, oldest first."""
        query = sa.select(_failures).where(_failures.c.week == week).order_by(_failures.c.at)
        with self._database.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def cases(self) -> list[GoldenCase]:
        """Return the golden cases, sorted by id."""
        query = sa.select(_cases).order_by(_cases.c.id)
        with self._database.read() as connection:
            return [
                GoldenCase(**{**row, **{name: tuple(json.loads(row[name])) for name in _LISTS}})
                for row in connection.execute(query).mappings()
            ]

    def version(self) -> int:
        """Return the newest version of the golden dataset; 0 before the first."""
        with self._database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.max(_versions.c.version))) or 0)

    def count_user(self, user_id: str) -> int:
        """Return how much `forget_user` would delete."""
        if not user_id:
            return 0
        with self._database.read() as connection:
            return sum(
                int(connection.scalar(sa.select(sa.func.count()).select_from(t).where(w)) or 0)
                for t, w in _about(user_id)
            )

    def affected_clusters(self, user_id: str) -> list[tuple[str, str]]:
        """Return week and id of the clusters that hold failures of a user."""
        mine = _failures.c.owner == user_id
        query = sa.select(_failures.c.week, _failures.c.cluster).where(mine).distinct()
        with self._database.read() as connection:
            return [(str(week), str(cluster)) for week, cluster in connection.execute(query)]

    def forget_user(
        self, user_id: str, terms: Mapping[tuple[str, str], Mapping[str, float]]
    ) -> int:
        """Delete a user's failures and cases, and replace the terms of the clusters they were in.

        Args:
            user_id: Of the person.
            terms: The terms without the person's questions, by week and cluster.
        """
        if not user_id:
            return 0
        with self._database.write() as connection:
            gone = sum(
                connection.execute(sa.delete(t).where(w)).rowcount for t, w in _about(user_id)
            )
            for (week, cluster), left in terms.items():
                mine = (_clusters.c.week == week) & (_clusters.c.cluster == cluster)
                change = sa.update(_clusters).where(mine).values(terms=json.dumps(left))
                connection.execute(change)
                _forget_name(connection, week, cluster)
        return gone


def content_hash(lines: Sequence[Mapping[str, object]]) -> str:
    """Return the SHA-256 of the lines as `golden.jsonl` has them."""
    text = "".join(f"{json.dumps(line, sort_keys=True)}\n" for line in lines)
    return sha256_hex(text.encode())


def _about(user_id: str) -> tuple[tuple[sa.TableClause, sa.ColumnElement[bool]], ...]:
    return (_failures, _failures.c.owner == user_id), (_cases, _cases.c.owner == user_id)


def _forget_name(connection: sa.Connection, week: str, cluster: str) -> None:
    """Take the name of a cluster, which may hold the person's words, out of the week's report."""
    text = connection.scalar(sa.select(_runs.c.report).where(_runs.c.week == week))
    if text is None:
        return
    report = json.loads(text)
    for each in report["clusters"]:
        if each["id"] == cluster:
            each["name"] = ""
    change = sa.update(_runs).where(_runs.c.week == week).values(report=json.dumps(report))
    connection.execute(change)


def _put_run(
    connection: sa.Connection, report: FlywheelReport, *, triaged_at: str, done_at: str
) -> None:
    known = connection.scalar(sa.select(_runs.c.triaged_at).where(_runs.c.week == report.week))
    row = {
        "week": report.week,
        "phase": report.phase,
        "triaged_at": known or triaged_at,
        "done_at": done_at,
        "report": json.dumps(asdict(report)),
    }
    replace_row(connection, _runs, row, ("week",))


def _report(row: dict[str, Any]) -> FlywheelReport:
    clusters = tuple(ClusterSummary(**each) for each in row.pop("clusters"))
    return FlywheelReport(clusters=clusters, **row)
