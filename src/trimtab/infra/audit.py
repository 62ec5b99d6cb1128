"""Append-only audit log in which each event holds the previous event's hash.

The chain never holds personal data: events name ids and key names, never texts or addresses.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.kernel.clock import Clock

_GENESIS = "0" * 64

_table = sa.table(
    "audit_events",
    *(
        sa.column(name)
        for name in ("seq", "at", "actor", "action", "subject", "facts", "previous_hash", "hash")
    ),
)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event of the chain."""

    seq: int
    at: str
    """ISO 8601, UTC."""
    actor: str
    action: str
    subject: str
    facts: str
    """Canonical JSON."""
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Result of a verification; the chain is intact when ``problems`` is empty."""

    events: int
    head: str
    """Hash of the newest event; keep a copy elsewhere to detect a truncated chain."""
    problems: tuple[str, ...]


class Audit:
    """Appends events to the chain and verifies it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self.clock = clock

    def append(
        self, actor: str, action: str, subject: str, facts: Mapping[str, object] | None = None
    ) -> AuditEvent:
        """Record an action of an actor on a subject; durable on return."""
        with self._database.write() as connection:
            newest = sa.select(sa.func.max(_table.c.seq)).scalar_subquery()
            last = connection.execute(
                sa.select(_table.c.seq, _table.c.hash, _table.c.at).where(_table.c.seq == newest)
            ).one_or_none()
            seq, previous = (last.seq + 1, last.hash) if last else (1, _GENESIS)
            text = json.dumps(facts or {}, sort_keys=True, separators=(",", ":"))
            # Another process's clock may be ahead, and the chain's times never go back.
            at = max(self.clock.now().isoformat(), last.at if last else "")
            digest = _digest(seq, at, actor, action, subject, text, previous)
            event = AuditEvent(seq, at, actor, action, subject, text, previous, digest)
            connection.execute(
                sa.insert(_table).values(**{name: getattr(event, name) for name in _COLUMNS})
            )
        return event

    def recent(self, limit: int = 100) -> list[AuditEvent]:
        """Return the newest events, newest first."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(_table).order_by(_table.c.seq.desc()).limit(limit))
            return [AuditEvent(**row) for row in found.mappings()]

    def holds(self, action: str, subject: str) -> bool:
        """Return whether an event with that action and subject exists, for repeatable work."""
        query = sa.select(_table.c.seq).where(
            _table.c.action == action, _table.c.subject == subject
        )
        with self._database.read() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def of_action(self, action: str, since: str = "") -> list[AuditEvent]:
        """Return the events of one action, oldest first.

        Args:
            action: Its name.
            since: Only those at that time or later, ISO 8601 in UTC; empty for all.
        """
        mine = (_table.c.action == action, _table.c.at >= since)
        query = sa.select(_table).where(*mine).order_by(_table.c.seq)
        with self._database.read() as connection:
            return [AuditEvent(**row) for row in connection.execute(query).mappings()]

    def after(self, seq: int) -> list[AuditEvent]:
        """Return the events after a sequence number, oldest first; 0 returns all."""
        query = sa.select(_table).where(_table.c.seq > seq).order_by(_table.c.seq)
        with self._database.read() as connection:
            return [AuditEvent(**row) for row in connection.execute(query).mappings()]

    def verify(self) -> AuditReport:
        """Recompute all hashes; report events that are missing, changed or out of order."""
        problems: list[str] = []
        count, previous, expected_seq, last_at = 0, _GENESIS, 1, ""
        with self._database.read() as connection:
            for row in connection.execute(sa.select(_table).order_by(_table.c.seq)).mappings():
                event = AuditEvent(**row)
                problems += _problems(event, expected_seq, previous, last_at)
                count, previous = count + 1, event.hash
                expected_seq, last_at = event.seq + 1, event.at
        return AuditReport(count, previous, tuple(problems))


_COLUMNS = tuple(AuditEvent.__dataclass_fields__)


def _problems(event: AuditEvent, expected_seq: int, previous: str, last_at: str) -> list[str]:
    found = []
    if event.seq != expected_seq:
        found.append(f"events {expected_seq} to {event.seq - 1} are missing")
    elif event.previous_hash != previous:
        found.append(f"event {event.seq} does not follow event {event.seq - 1}")
    if event.hash != _digest(*(getattr(event, name) for name in _COLUMNS if name != "hash")):
        found.append(f"event {event.seq} was changed")
    if event.at < last_at:
        found.append(f"event {event.seq} is dated before event {event.seq - 1}")
    return found


def _digest(*parts: object) -> str:
    canonical = json.dumps([str(part) for part in parts], separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
