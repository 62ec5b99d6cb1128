"""Store of received alerts and silences in the state database."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from trimtab.incidents.intake.model import RULES, Matcher, ReceivedState, Silence, StoredAlert
from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import count_true, insert_or_replace, replace_row

_AT_ONCE = 500
"""SQLite takes a limited number of variables in one statement."""
_COLUMNS = [
    "fingerprint",
    "name",
    "labels",
    "annotations",
    "source",
    "state",
    "starts_at",
    "ends_at",
    "updated_at",
    "group_key",
    "generator_url",
    "incident_id",
    "pending",
    "suppressed_by",
    "changes",
    "changes_since",
    "flapping",
    "times",
]
ALERTS = sa.table("received_alerts", *map(sa.column, _COLUMNS))
SILENCES = sa.table(
    "alert_silences",
    *map(
        sa.column,
        [
            "id",
            "matchers",
            "starts_at",
            "ends_at",
            "created_by",
            "comment",
            "updated_at",
            "maintenance",
        ],
    ),
)
_NOTHING = "[]"


class AlertStore:
    """Received alerts with what their incidents know of them, and silences.

    Args:
        database: Holds the ``incidents`` chain.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open one write transaction."""
        with self._database.write() as connection:
            yield connection

    def count(self) -> int:
        """Return the number of stored alerts."""
        with self._database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(ALERTS)) or 0)

    def totals(self) -> dict[str, int]:
        """Return the number of alerts by state."""
        query = sa.select(ALERTS.c.state, sa.func.count()).group_by(ALERTS.c.state)
        with self._database.read() as connection:
            return {str(state): int(count) for state, count in connection.execute(query)}

    def known(
        self, connection: sa.Connection, fingerprints: Collection[str]
    ) -> dict[str, StoredAlert]:
        """Return the stored alerts of these fingerprints."""
        found: dict[str, StoredAlert] = {}
        names = sorted(fingerprints)
        for begin in range(0, len(names), _AT_ONCE):
            chosen = ALERTS.c.fingerprint.in_(names[begin : begin + _AT_ONCE])
            query = sa.select(ALERTS).where(chosen)
            for row in connection.execute(query).mappings():
                found[row["fingerprint"]] = _alert(row)
        return found

    def save(self, connection: sa.Connection, alerts: Sequence[StoredAlert]) -> None:
        """Insert or replace these alerts."""
        if alerts:
            rows = [_row(alert) for alert in alerts]
            insert = insert_or_replace(connection, ALERTS, tuple(rows[0]), ("fingerprint",))
            connection.execute(insert, rows)

    def get(self, fingerprint: str) -> StoredAlert | None:
        """Return the alert of that fingerprint, or None."""
        with self._database.read() as connection:
            return self.known(connection, (fingerprint,)).get(fingerprint)

    def pending(self, limit: int, without: Collection[str] = ()) -> list[StoredAlert]:
        """Return alerts of which the incidents have to learn, by group.

        Args:
            limit: Maximum number of alerts.
            without: Groups to leave out.
        """
        chosen = (ALERTS.c.pending == 1) & (
            (ALERTS.c.suppressed_by == _NOTHING) | (ALERTS.c.state != ReceivedState.FIRING)
        )
        if without:
            chosen &= ALERTS.c.group_key.not_in(without)
        query = sa.select(ALERTS).where(chosen).order_by(ALERTS.c.group_key, ALERTS.c.starts_at)
        return self._all(query.limit(limit))

    def mark_reported(self, alerts: Sequence[StoredAlert], incident_id: str, group: str) -> None:
        """Record that the incident knows these alerts as they were read.

        An alert that has changed since it was read stays pending.
        """
        update = (
            "UPDATE received_alerts SET incident_id = :incident, group_key = :group_key,"
            " pending = CASE WHEN state = :state AND updated_at = :updated THEN 0 ELSE pending END"
            " WHERE fingerprint = :fingerprint"
        )
        rows = [
            {
                "incident": incident_id or alert.incident_id,
                "group_key": group,
                "state": alert.state,
                "updated": alert.updated_at.isoformat(),
                "fingerprint": alert.fingerprint,
            }
            for alert in alerts
        ]
        if rows:
            with self._database.write() as connection:
                connection.execute(sa.text(update), rows)

    def mark_suppressed(self, alerts: Sequence[StoredAlert]) -> None:
        """Record what suppresses these alerts, and nothing else of them."""
        update = "UPDATE received_alerts SET suppressed_by = :by WHERE fingerprint = :fingerprint"
        rows = [
            {"by": _json(alert.suppressed_by), "fingerprint": alert.fingerprint} for alert in alerts
        ]
        if rows:
            with self._database.write() as connection:
                connection.execute(sa.text(update), rows)

    def firing(self) -> list[StoredAlert]:
        """Return every alert that fires."""
        return self._all(sa.select(ALERTS).where(ALERTS.c.state == ReceivedState.FIRING))

    def over(self, connection: sa.Connection, now: datetime) -> list[StoredAlert]:
        """Return the firing alerts whose end has passed without a word of their sender."""
        query = sa.select(ALERTS).where(
            ALERTS.c.state == ReceivedState.FIRING, ALERTS.c.ends_at <= now.isoformat()
        )
        return [_alert(row) for row in connection.execute(query).mappings()]

    def is_overdue(self, now: datetime) -> bool:
        """Return whether the end of a firing alert has passed."""
        query = sa.select(ALERTS.c.fingerprint).where(
            ALERTS.c.state == ReceivedState.FIRING, ALERTS.c.ends_at <= now.isoformat()
        )
        with self._database.read() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def of_incident(
        self, incident_id: str, *, state: ReceivedState | None = None, limit: int = 1000
    ) -> list[StoredAlert]:
        """Return the alerts of an incident, those that fire first."""
        query = sa.select(ALERTS).where(ALERTS.c.incident_id == incident_id)
        if state is not None:
            query = query.where(ALERTS.c.state == state)
        return self._all(query.order_by(ALERTS.c.state, ALERTS.c.starts_at).limit(limit))

    def counts(self, incident_id: str) -> dict[str, int]:
        """Return the number of alerts of an incident by state, and of ``muted`` firing ones."""
        query = (
            sa.select(
                ALERTS.c.state,
                sa.func.count().label("all"),
                count_true(ALERTS.c.suppressed_by != _NOTHING).label("muted"),
            )
            .where(ALERTS.c.incident_id == incident_id, ALERTS.c.source != RULES)
            .group_by(ALERTS.c.state)
        )
        found: dict[str, int] = {}
        with self._database.read() as connection:
            for state, count, muted in connection.execute(query):
                found[str(state)] = int(count)
                if state == ReceivedState.FIRING:
                    found["muted"] = int(muted or 0)
        return found

    def listed(self, *, limit: int = 1000) -> list[StoredAlert]:
        """Return the firing and the expired alerts, the newest first."""
        query = sa.select(ALERTS).where(ALERTS.c.state != ReceivedState.RESOLVED)
        return self._all(query.order_by(ALERTS.c.starts_at.desc()).limit(limit))

    def forget_before(self, at: datetime) -> int:
        """Delete the alerts that ended before that instant; return their number."""
        gone = sa.delete(ALERTS).where(
            ALERTS.c.state != ReceivedState.FIRING,
            ALERTS.c.pending == 0,
            ALERTS.c.updated_at < at.isoformat(),
        )
        with self._database.write() as connection:
            return connection.execute(gone).rowcount

    def put_silence(self, silence: Silence) -> None:
        """Insert or replace a silence."""
        row = {
            "id": silence.id,
            "matchers": _json(silence.matchers),
            "starts_at": silence.starts_at.isoformat(),
            "ends_at": silence.ends_at.isoformat(),
            "created_by": silence.created_by,
            "comment": silence.comment,
            "updated_at": silence.updated_at.isoformat(),
            "maintenance": int(silence.maintenance),
        }
        with self._database.write() as connection:
            replace_row(connection, SILENCES, row, ("id",))

    def silences(self) -> list[Silence]:
        """Return every silence, the one that ends last first."""
        query = sa.select(SILENCES).order_by(SILENCES.c.ends_at.desc(), SILENCES.c.id)
        with self._database.read() as connection:
            return [_silence(row) for row in connection.execute(query).mappings()]

    def forget_silences(self, ended_before: datetime) -> None:
        """Delete the silences that ended before that instant."""
        with self._database.write() as connection:
            gone = SILENCES.c.ends_at < ended_before.isoformat()
            connection.execute(sa.delete(SILENCES).where(gone))

    def _all(self, query: sa.Select[Any]) -> list[StoredAlert]:
        with self._database.read() as connection:
            return [_alert(row) for row in connection.execute(query).mappings()]


def _row(alert: StoredAlert) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "name": alert.name,
        "labels": _json(alert.labels),
        "annotations": _json(alert.annotations),
        "source": alert.source,
        "state": alert.state,
        "starts_at": alert.starts_at.isoformat(),
        "ends_at": _text(alert.ends_at),
        "updated_at": alert.updated_at.isoformat(),
        "group_key": alert.group_key,
        "generator_url": alert.generator_url,
        "incident_id": alert.incident_id,
        "pending": int(alert.pending),
        "suppressed_by": _json(alert.suppressed_by),
        "changes": alert.changes,
        "changes_since": _text(alert.changes_since),
        "flapping": int(alert.flapping),
        "times": alert.times,
    }


def _alert(row: Mapping[Any, Any]) -> StoredAlert:
    return StoredAlert(
        fingerprint=row["fingerprint"],
        name=row["name"],
        labels=orjson.loads(row["labels"]),
        annotations=orjson.loads(row["annotations"]),
        source=row["source"],
        state=ReceivedState(row["state"]),
        starts_at=datetime.fromisoformat(row["starts_at"]),
        ends_at=_time(row["ends_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
        group_key=row["group_key"],
        generator_url=row["generator_url"],
        incident_id=row["incident_id"],
        pending=bool(row["pending"]),
        suppressed_by=tuple(orjson.loads(row["suppressed_by"])),
        changes=row["changes"],
        changes_since=_time(row["changes_since"]),
        flapping=bool(row["flapping"]),
        times=row["times"],
    )


def _silence(row: Mapping[Any, Any]) -> Silence:
    matchers: Iterable[dict[str, Any]] = orjson.loads(row["matchers"])
    return Silence(
        id=row["id"],
        matchers=tuple(Matcher(**each) for each in matchers),
        starts_at=datetime.fromisoformat(row["starts_at"]),
        ends_at=datetime.fromisoformat(row["ends_at"]),
        created_by=row["created_by"],
        comment=row["comment"],
        updated_at=datetime.fromisoformat(row["updated_at"]),
        maintenance=bool(row["maintenance"]),
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
