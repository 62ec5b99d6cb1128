"""Weekly flywheel: runs, failures, clusters, and the golden dataset with its versions."""

import sqlalchemy as sa
from alembic import op

revision = "evaluation_0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str, length: int, *, default: str | None = "") -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default=default)


def upgrade() -> None:
    _create_flywheel_runs()
    _create_flywheel_failures()
    _create_flywheel_clusters()
    _create_golden_cases()
    _create_golden_versions()


def _create_flywheel_runs() -> None:
    op.create_table(
        "flywheel_runs",
        sa.Column("week", sa.String(8), primary_key=True),
        _text("phase", 20, default=None),
        _text("triaged_at", 40, default=None),
        _text("done_at", 40),
        sa.Column("report", sa.Text, nullable=False),
    )


def _create_flywheel_failures() -> None:
    op.create_table(
        "flywheel_failures",
        sa.Column("week", sa.String(8), primary_key=True),
        sa.Column("trace_id", sa.String(64), primary_key=True),
        _text("cluster", 64, default=None),
        _text("failure_type", 60, default=None),
        _text("owner", 300),
        _text("at", 40, default=None),
    )
    op.create_index("flywheel_failures_of", "flywheel_failures", ["owner"])


def _create_flywheel_clusters() -> None:
    op.create_table(
        "flywheel_clusters",
        sa.Column("week", sa.String(8), primary_key=True),
        sa.Column("cluster", sa.String(64), primary_key=True),
        sa.Column("terms", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        _text("status", 20, default=None),
        _text("first_week", 8, default=None),
        _text("first_at", 40, default=None),
    )


def _create_golden_cases() -> None:
    op.create_table(
        "golden_cases",
        sa.Column("id", sa.String(64), primary_key=True),
        _text("project", 200, default=None),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answers", sa.Text, nullable=False),
        sa.Column("documents", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        _text("trace_id", 64, default=None),
        _text("owner", 300),
        _text("annotator", 200, default=None),
        _text("failure_type", 60),
        _text("cluster", 64, default=None),
        _text("week", 8, default=None),
        sa.Column("version", sa.Integer, nullable=False),
        _text("failed_at", 40, default=None),
        _text("added_at", 40, default=None),
    )


def _create_golden_versions() -> None:
    op.create_table(
        "golden_versions",
        sa.Column("version", sa.Integer, primary_key=True),
        _text("week", 8, default=None),
        _text("sha256", 64, default=None),
        sa.Column("cases", sa.Integer, nullable=False),
        sa.Column("added", sa.Integer, nullable=False),
        _text("at", 40, default=None),
    )
