"""Tables of the incidents chain and conversion between rows and records."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import orjson
import sqlalchemy as sa
from pydantic import BeforeValidator, TypeAdapter
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH

from trimtab.incidents.errors import GroupOpen, IncidentUnknown
from trimtab.incidents.model import Entry, Episode, Incident, PlanApproval
from trimtab.infra.storage.dialect import by_engine

_log = logging.getLogger(__name__)
_EPISODE_KEYS = frozenset(TypeAdapter(Episode).json_schema()["properties"])


def _nested(document: Any) -> Any:
    """Return a stored document with the keys of the episode in an object of their own."""
    if not isinstance(document, dict):
        return document
    episode = {key: value for key, value in document.items() if key in _EPISODE_KEYS}
    return {**{key: document[key] for key in document.keys() - _EPISODE_KEYS}, "episode": episode}


# Documents are stored flat, as before there were episodes, so that any release can read them.
_adapter = TypeAdapter(Annotated[Incident, BeforeValidator(_nested)])


def _table(name: str, columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in columns.split()))


INCIDENTS = _table(
    "incidents",
    "id state severity system group_key open_group opened_at updated_at resolved_at document",
)
ENTRIES = _table("incident_entries", "incident_id seq key at stage actor text facts")
APPROVALS = _table(
    "incident_approvals",
    "incident_id plan_hash requested_at expires_at decision principal reason decided_at",
)
ACTS = _table("incident_acts", "key incident_id name approved_by started_at")
ATTEMPTS = _table("incident_attempts", "incident_id number cause_id fingerprint outcome at")
PROOFS = _table("drill_proofs", "cause_id proof_hash passed_at realism reason")


def of_drill() -> sa.ColumnElement[bool]:
    """Return the condition for incidents of drills; false for damaged records."""
    document = INCIDENTS.c.document
    marked = sa.func.coalesce(sa.func.json_extract(document, "$.drill"), 0) == 1
    return by_engine(
        sa.case((sa.func.json_valid(document) == 1, marked), else_=sa.false()),
        _has_path(document, "$.drill ? (@ == true)"),
    )


def has_alert(fingerprint: str) -> sa.ColumnElement[bool]:
    """Return the condition for incidents of an alert; false for damaged records."""
    document = INCIDENTS.c.document
    alerts = sa.func.json_each(document, "$.alerts").table_valued("value")
    of_alert = sa.func.json_extract(alerts.c.value, "$.alert.fingerprint") == fingerprint
    found = sa.exists(sa.select(sa.literal(1)).select_from(alerts).where(of_alert))
    return by_engine(
        sa.case((sa.func.json_valid(document) == 1, found), else_=sa.false()),
        _has_path(document, "$.alerts[*].alert.fingerprint ? (@ == $value)", fingerprint),
    )


def _has_path(document: sa.ColumnElement[str], path: str, value: str = "") -> sa.Case[bool]:
    # A document that is not valid JSON would fail the whole query; CASE keeps either engine from
    # looking into it.
    found = sa.func.jsonb_path_exists(
        sa.cast(document, JSONB),
        sa.cast(path, JSONPATH),
        sa.func.jsonb_build_object("value", sa.cast(value, sa.Text)),
    )
    return sa.case((document.op("IS")(sa.literal_column("JSON")), found), else_=sa.false())


def get_incident(connection: sa.Connection, incident_id: str) -> Incident:
    """Return the incident, or raise `IncidentUnknown`."""
    query = sa.select(INCIDENTS.c.document).where(INCIDENTS.c.id == incident_id)
    text = connection.execute(query).scalar_one_or_none()
    if text is None:
        raise IncidentUnknown(f"There is no incident {incident_id!r}.")
    return parsed(text)


def parsed(text: str) -> Incident:
    """Parse a stored document into an incident."""
    return _adapter.validate_json(text)


def incident_row(incident: Incident, at: datetime) -> dict[str, Any]:
    """Convert an incident to its row."""
    resolved = incident.episode.resolved_at
    document = _adapter.dump_python(incident, mode="json", by_alias=True)
    episode = document.pop("episode")
    return {
        "id": incident.id,
        "state": incident.state,
        "severity": incident.severity,
        "system": incident.system,
        "group_key": incident.group_key,
        "open_group": open_group(incident),
        "opened_at": incident.episode.opened_at.isoformat(),
        "updated_at": at.isoformat(),
        "resolved_at": None if resolved is None else resolved.isoformat(),
        "document": orjson.dumps(document | episode).decode(),
    }


def open_group(incident: Incident) -> str | None:
    """Return what at most one open incident may have; None for a resolved one.

    An alert of users opens an incident of its own next to that of a drill.
    """
    if not incident.active:
        return None
    return f"{'drill' if incident.drill else 'users'}:{incident.group_key}"


def entry_of(row: Mapping[Any, Any]) -> Entry:
    """Convert a journal row to an entry."""
    return Entry(
        seq=row["seq"],
        at=datetime.fromisoformat(row["at"]),
        stage=row["stage"],
        actor=row["actor"],
        text=row["text"],
        facts=orjson.loads(row["facts"]),
    )


def is_approval(approval: PlanApproval) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition that selects the row of an approval."""
    return (
        APPROVALS.c.incident_id == approval.incident_id,
        APPROVALS.c.plan_hash == approval.plan_hash,
    )


def find_approval(
    connection: sa.Connection, incident_id: str, plan_hash: str
) -> PlanApproval | None:
    """Return the approval request for the plan, or None."""
    query = sa.select(APPROVALS).where(
        APPROVALS.c.incident_id == incident_id, APPROVALS.c.plan_hash == plan_hash
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    return PlanApproval(
        incident_id=row["incident_id"],
        plan_hash=row["plan_hash"],
        requested_at=datetime.fromisoformat(row["requested_at"]),
        expires_at=datetime.fromisoformat(row["expires_at"]),
        decision=row["decision"] or "",
        principal=row["principal"] or "",
        reason=row["reason"] or "",
        decided_at=datetime.fromisoformat(row["decided_at"]) if row["decided_at"] else None,
    )


def approval_row(approval: PlanApproval) -> dict[str, Any]:
    """Return the row of a new approval request."""
    return {
        "incident_id": approval.incident_id,
        "plan_hash": approval.plan_hash,
        "requested_at": approval.requested_at.isoformat(),
        "expires_at": approval.expires_at.isoformat(),
    }


def plain(facts: Mapping[str, Any]) -> Any:
    """Convert facts to plain JSON types, so that every text in them can be redacted."""
    return orjson.loads(orjson.dumps(facts, default=str))


def readable(text: str) -> Incident | None:
    """Parse a document; log a damaged one and return None."""
    try:
        return parsed(text)
    except ValueError:
        _log.exception("an incident's record cannot be read")
        return None


def insert_incident(connection: sa.Connection, incident: Incident) -> None:
    """Add a new incident; its group may have another open one only if that record is damaged."""
    group = open_group(incident)
    query = sa.select(INCIDENTS.c.id, INCIDENTS.c.document).where(INCIDENTS.c.open_group == group)
    for row in connection.execute(query).all():
        if readable(row.document) is None:
            damaged = sa.update(INCIDENTS).where(INCIDENTS.c.id == row.id)
            connection.execute(damaged.values(open_group=None))
    new = incident_row(incident, incident.episode.opened_at)
    connection.execute(sa.insert(INCIDENTS).values(**new))


@contextmanager
def one_open_each() -> Iterator[None]:
    """Raise `GroupOpen` when the group has another open incident by now."""
    try:
        yield
    except sa.exc.IntegrityError as error:
        if "open_group" in str(error.orig):
            raise GroupOpen("The group has an open incident already.") from error
        raise
