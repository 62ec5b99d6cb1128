"""Store of incidents in the state database."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from trimtab.incidents.errors import NothingToDecide, PlanChanged
from trimtab.incidents.model import Entry, Incident, PlanApproval
from trimtab.incidents.rows import (
    ACTS,
    APPROVALS,
    ATTEMPTS,
    ENTRIES,
    INCIDENTS,
    PROOFS,
    approval_row,
    entry_of,
    find_approval,
    get_incident,
    has_alert,
    incident_row,
    insert_incident,
    is_approval,
    of_drill,
    one_open_each,
    plain,
    readable,
)
from trimtab.incidents.state import State, check_transition
from trimtab.incidents.transition import NewEntry, Transition
from trimtab.infra.notify import Message, Outbox
from trimtab.infra.storage import Database
from trimtab.infra.storage.dialect import insert_or_ignore, replace_row
from trimtab.kernel.redaction import hide_credentials, hide_in

Listener = Callable[[str], None]


class IncidentStore:
    """Incidents with their journals, approvals, acts, attempts and drill proofs.

    Args:
        database: Holds the ``incidents`` chain.
        outbox: Messages are written in the transaction that causes them.
    """

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call the listener with an incident's id after each of its commits."""
        self._listeners.append(listener)

    def open(
        self, make: Callable[[str], Incident], day: str, entries: Sequence[NewEntry]
    ) -> Incident:
        """Add an incident under the day's next free id.

        Args:
            make: Returns the incident for the id.
            day: ``INC-YYYY-MMDD``.
            entries: The first lines of its journal.
        """
        with one_open_each(), self._database.write() as connection:
            taken = connection.execute(
                sa.select(sa.func.count()).where(INCIDENTS.c.id.like(f"{day}%"))
            ).scalar_one()
            incident = make(day if taken == 0 else f"{day}-{taken + 1}")
            insert_incident(connection, incident)
            self._write_entries(connection, incident, incident.episode.opened_at, entries)
        self._tell(incident.id)
        return incident

    def get(self, incident_id: str) -> Incident:
        """Return the incident, or raise `IncidentUnknown`."""
        with self._database.read() as connection:
            return get_incident(connection, incident_id)

    def find(
        self,
        *,
        active: bool | None = None,
        drills: bool | None = None,
        limit: int | None = 100,
    ) -> list[Incident]:
        """Return incidents, the newest first.

        Args:
            active: True for active incidents only, False for resolved ones only.
            drills: True for those of drills only, False for all others.
            limit: Maximum number of incidents; None for all.
        """
        query = sa.select(INCIDENTS.c.document).order_by(
            INCIDENTS.c.opened_at.desc(), INCIDENTS.c.id.desc()
        )
        if active is not None:
            done = INCIDENTS.c.state == State.RESOLVED
            query = query.where(~done if active else done)
        if drills is not None:
            query = query.where(of_drill() if drills else ~of_drill())
        return self._readable(query.limit(limit))

    def active_with_alert(self, fingerprint: str) -> list[Incident]:
        """Return the active incidents to which the alert of that fingerprint belongs."""
        query = sa.select(INCIDENTS.c.document).where(
            INCIDENTS.c.state != State.RESOLVED, has_alert(fingerprint)
        )
        return self._readable(query)

    def latest_of_group(self, group_key: str) -> Incident | None:
        """Return the newest incident of the group."""
        query = (
            sa.select(INCIDENTS.c.document)
            .where(INCIDENTS.c.group_key == group_key)
            .order_by(INCIDENTS.c.opened_at.desc(), INCIDENTS.c.id.desc())
            .limit(1)
        )
        return next(iter(self._readable(query)), None)

    def of_group_since(self, group_key: str, since: datetime) -> list[str]:
        """Return the ids of the group's incidents that opened since then, the newest first."""
        query = (
            sa.select(INCIDENTS.c.id)
            .where(INCIDENTS.c.group_key == group_key, INCIDENTS.c.opened_at >= since.isoformat())
            .order_by(INCIDENTS.c.opened_at.desc(), INCIDENTS.c.id.desc())
        )
        with self._database.read() as connection:
            return [str(found) for found in connection.execute(query).scalars()]

    def change(
        self,
        incident_id: str,
        change: Callable[[Incident], Incident | None],
        at: datetime,
        entries: Sequence[NewEntry] = (),
    ) -> Incident:
        """Update the stored incident by a function; None from it changes nothing."""
        with one_open_each(), self._database.write() as connection:
            before = get_incident(connection, incident_id)
            after = change(before)
            if after is None:
                return before
            check_transition(before.state, after.state)
            self._save(connection, before, after, at)
            self._write_entries(connection, after, at, entries)
        self._tell(incident_id)
        return after

    def apply(self, before: Incident, transition: Transition, at: datetime) -> bool:
        """Store a transition, unless the incident has changed state in the meantime.

        Returns:
            Whether it was stored.
        """
        if not transition.changes(before):
            return True
        with self._database.write() as connection:
            fresh = get_incident(connection, before.id)
            if (fresh.state, fresh.state_since) != (before.state, before.state_since):
                return False
            after = transition.incident.updated(alerts=fresh.alerts)
            check_transition(before.state, after.state)
            self._save(connection, fresh, after, at)
            self._write_entries(connection, before, at, transition.entries)
            for message in transition.messages:
                self._outbox.put(connection, message, at)
            if transition.approval:
                connection.execute(
                    insert_or_ignore(connection, APPROVALS).values(
                        **approval_row(transition.approval)
                    )
                )
        self._tell(before.id)
        return True

    def note(self, incident: Incident, at: datetime, *entries: NewEntry) -> None:
        """Add journal entries; entries with a known key are left out."""
        with self._database.write() as connection:
            self._write_entries(connection, incident, at, entries)
        self._tell(incident.id)

    def send(self, message: Message, at: datetime) -> None:
        """Put a message into the outbox; one with a known key is left out."""
        self._outbox.add(message, at)

    def act_begun(self, key: str) -> bool:
        """Return whether the start of the act was recorded."""
        query = sa.select(ACTS.c.key).where(ACTS.c.key == key)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def begin_act(
        self, incident: Incident, key: str, name: str, at: datetime, note: NewEntry
    ) -> datetime | None:
        """Record the start of an act.

        Returns:
            When it first began, if the process ended while it ran; else None.
        """
        row = {
            "key": key,
            "incident_id": incident.id,
            "name": name,
            "approved_by": incident.episode.approved_by,
            "started_at": at.isoformat(),
        }
        with self._database.write() as connection:
            query = sa.select(ACTS.c.started_at).where(ACTS.c.key == key)
            began = connection.execute(query).scalar_one_or_none()
            connection.execute(insert_or_ignore(connection, ACTS).values(**row))
            self._write_entries(connection, incident, at, (note,))
        self._tell(incident.id)
        return None if began is None else datetime.fromisoformat(began)

    def automatic_acts_since(self, since: datetime, *, drills: bool = False) -> int:
        """Return the number of acts since then that ran without approval.

        Args:
            since: Start of the period.
            drills: Count the acts of drills instead; these do not count against the hourly limit.
        """
        query = (
            sa.select(sa.func.count())
            .select_from(ACTS.join(INCIDENTS, INCIDENTS.c.id == ACTS.c.incident_id))
            .where(
                of_drill() if drills else ~of_drill(),
                ACTS.c.approved_by == "",
                ACTS.c.started_at >= since.isoformat(),
                ACTS.c.key.not_like("%:undo"),
            )
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def worked_since(self, cause_id: str, fingerprint: str, since: datetime) -> int:
        """Return the number of successful repairs of the cause for the alert since then."""
        query = (
            sa.select(sa.func.count())
            .select_from(ATTEMPTS)
            .where(
                ATTEMPTS.c.cause_id == cause_id,
                ATTEMPTS.c.fingerprint == fingerprint,
                ATTEMPTS.c.outcome == "worked",
                ATTEMPTS.c.at >= since.isoformat(),
            )
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def worked_ever(self) -> dict[str, int]:
        """Return the number of successful repairs by cause."""
        query = (
            sa.select(ATTEMPTS.c.cause_id, sa.func.count().label("times"))
            .where(ATTEMPTS.c.outcome == "worked")
            .group_by(ATTEMPTS.c.cause_id)
        )
        with self._database.read() as connection:
            return {str(row.cause_id): int(row.times) for row in connection.execute(query)}

    def timeline(self, incident_id: str, after_seq: int = 0) -> list[Entry]:
        """Return the journal entries after ``after_seq``; raise `IncidentUnknown`."""
        query = (
            sa.select(ENTRIES)
            .where(ENTRIES.c.incident_id == incident_id, ENTRIES.c.seq > after_seq)
            .order_by(ENTRIES.c.seq)
        )
        with self._database.read() as connection:
            found = [entry_of(row) for row in connection.execute(query).mappings()]
            if not found:
                get_incident(connection, incident_id)
        return found

    def approval(self, incident_id: str, plan_hash: str) -> PlanApproval | None:
        """Return the approval request for the plan, or None."""
        with self._database.read() as connection:
            return find_approval(connection, incident_id, plan_hash)

    def decide(self, decided: PlanApproval, note: NewEntry) -> PlanApproval:
        """Record the decision on a waiting approval request.

        Raises:
            NothingToDecide: No plan waits, it was decided before, or its time is over.
            PlanChanged: Another plan is current.
        """
        incident_id, at = decided.incident_id, decided.decided_at or decided.requested_at
        with self._database.write() as connection:
            incident = get_incident(connection, incident_id)
            if incident.state is not State.AWAITING_APPROVAL or incident.episode.plan is None:
                raise NothingToDecide(f"{incident_id} does not wait for an approval.")
            if incident.episode.plan.hash != decided.plan_hash:
                raise PlanChanged(
                    f"{incident_id} waits for plan {incident.episode.plan.hash}, not"
                    f" {decided.plan_hash}."
                )
            waiting = find_approval(connection, incident_id, decided.plan_hash)
            if waiting is None or waiting.decision or waiting.expires_at <= at:
                raise NothingToDecide(
                    f"The plan of {incident_id} was answered before, or too late."
                )
            answer = {
                "decision": decided.decision,
                "principal": decided.principal,
                "reason": decided.reason,
                "decided_at": at.isoformat(),
            }
            connection.execute(sa.update(APPROVALS).where(*is_approval(waiting)).values(**answer))
            self._write_entries(connection, incident, at, (note,))
        self._tell(incident_id)
        return decided

    def add_proof(
        self, cause_id: str, proof_hash: str, at: datetime, *, realism: str, reason: str
    ) -> None:
        """Record a passed drill of a cause, with its realism."""
        values = {"cause_id": cause_id, "proof_hash": proof_hash, "passed_at": at.isoformat()}
        with self._database.write() as connection:
            row = {**values, "realism": realism, "reason": reason}
            replace_row(connection, PROOFS, row, ("cause_id", "proof_hash"))

    def proof(self, cause_id: str, proof_hash: str) -> Mapping[str, str] | None:
        """Return ``passed_at``, ``realism`` and ``reason`` of a passed drill, or None."""
        query = sa.select(PROOFS).where(
            PROOFS.c.cause_id == cause_id, PROOFS.c.proof_hash == proof_hash
        )
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
            return None if row is None else {name: str(value) for name, value in row.items()}

    def _readable(self, query: sa.Select[Any]) -> list[Incident]:
        """Return the incidents of a query; damaged records are logged and left out."""
        with self._database.read() as connection:
            rows = list(connection.execute(query).scalars())
        return [found for text in rows if (found := readable(text)) is not None]

    def _save(
        self, connection: sa.Connection, before: Incident, after: Incident, at: datetime
    ) -> None:
        connection.execute(
            sa.update(INCIDENTS).where(INCIDENTS.c.id == after.id).values(**incident_row(after, at))
        )
        if after.drill:
            return
        for number in range(len(before.attempts), len(after.attempts)):
            attempt = after.attempts[number]
            row = {
                "incident_id": after.id,
                "number": number,
                "cause_id": attempt.cause_id,
                "fingerprint": after.alert.fingerprint,
                "outcome": attempt.outcome,
                "at": attempt.at.isoformat(),
            }
            connection.execute(sa.insert(ATTEMPTS).values(**row))

    def _write_entries(
        self,
        connection: sa.Connection,
        incident: Incident,
        at: datetime,
        new_entries: Sequence[NewEntry],
    ) -> None:
        if not new_entries:
            return
        mine = ENTRIES.c.incident_id == incident.id
        last = connection.execute(sa.select(sa.func.max(ENTRIES.c.seq)).where(mine)).scalar() or 0
        known = set(
            connection.execute(
                sa.select(ENTRIES.c.key).where(
                    mine, ENTRIES.c.key.in_([new_entry.key for new_entry in new_entries])
                )
            ).scalars()
        )
        # The first entry of a key is kept, whether the second comes later or in the same batch.
        fresh: dict[str, NewEntry] = {}
        for new_entry in new_entries:
            if new_entry.key not in known:
                fresh.setdefault(new_entry.key, new_entry)
        for seq, new_entry in enumerate(fresh.values(), start=last + 1):
            row = {
                "incident_id": incident.id,
                "seq": seq,
                "key": new_entry.key,
                "at": at.isoformat(),
                "stage": incident.state,
                "actor": new_entry.actor,
                "text": hide_credentials(new_entry.text),
                "facts": orjson.dumps(hide_in(plain(new_entry.facts))).decode(),
            }
            connection.execute(sa.insert(ENTRIES).values(**row))

    def _tell(self, incident_id: str) -> None:
        for listener in self._listeners:
            listener(incident_id)
