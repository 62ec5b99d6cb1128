"""Incidents, their journals, approvals, the ledger of acts, drill proofs and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "incidents_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _journal()
    _ledgers()
    _outbox()


def _journal() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("severity", sa.String(2), nullable=False),
        sa.Column("system", sa.String(40), nullable=False),
        sa.Column("group_key", sa.String(400), nullable=False),
        sa.Column("opened_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.Column("resolved_at", sa.String(32)),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("incidents_by_state", "incidents", ["state"])
    op.create_index("incidents_by_group", "incidents", ["group_key"])
    op.create_table(
        "incident_entries",
        sa.Column("incident_id", sa.String(40), sa.ForeignKey("incidents.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.UniqueConstraint("incident_id", "key"),
    )
    op.create_table(
        "incident_approvals",
        sa.Column("incident_id", sa.String(40), sa.ForeignKey("incidents.id"), primary_key=True),
        sa.Column("plan_hash", sa.String(64), primary_key=True),
        sa.Column("requested_at", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("decision", sa.String(10)),
        sa.Column("principal", sa.String(200)),
        sa.Column("reason", sa.Text),
        sa.Column("decided_at", sa.String(32)),
    )


def _ledgers() -> None:
    op.create_table(
        "incident_acts",
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("incident_id", sa.String(40), sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("approved_by", sa.String(200), nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
    )
    op.create_index("incident_acts_by_time", "incident_acts", ["started_at"])
    op.create_table(
        "incident_attempts",
        sa.Column("incident_id", sa.String(40), sa.ForeignKey("incidents.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("cause_id", sa.String(200), nullable=False),
        sa.Column("fingerprint", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_index("incident_attempts_by_cause", "incident_attempts", ["cause_id", "fingerprint"])
    op.create_table(
        "drill_proofs",
        sa.Column("cause_id", sa.String(200), primary_key=True),
        sa.Column("proof_hash", sa.String(64), primary_key=True),
        sa.Column("passed_at", sa.String(32), nullable=False),
    )


def _outbox() -> None:
    op.create_table(
        "notify_outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(300), nullable=False, unique=True),
        sa.Column("channel", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.String(32), nullable=False),
        sa.Column("delivered_at", sa.String(32)),
        sa.Column("last_error", sa.Text),
    )
    op.create_index("notify_outbox_by_due", "notify_outbox", ["delivered_at", "next_attempt_at"])
