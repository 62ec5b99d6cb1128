"""Versions of trained models, their aliases with an append-only log, and stored predictions."""

import sqlalchemy as sa
from alembic import op

revision = "models_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _versions()
    _alias_log()
    _results()
    _canaries()


def _versions() -> None:
    op.create_table(
        "model_versions",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("registered_at", sa.String(32), nullable=False),
        sa.Column("registered_by", sa.String(200), nullable=False),
        sa.UniqueConstraint("name", "digest"),
    )
    op.create_table(
        "model_aliases",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("alias", sa.String(20), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["name", "version"], ["model_versions.name", "model_versions.version"]
        ),
    )


def _alias_log() -> None:
    op.create_table(
        "model_alias_log",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("alias", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("previous", sa.Integer),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        # The same key is the same intended move, so that a step that runs twice moves once.
        sa.Column("move_key", sa.String(200), unique=True),
    )
    op.create_index("idx_alias_log_name", "model_alias_log", ["name", "seq"])
    # The log is evidence: not even this program changes an entry.
    refuse = "BEGIN SELECT RAISE(ABORT, 'the alias log is append-only'); END"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change_of_alias_log() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'the alias log is append-only'; END $$"
        )
        refuse = "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_alias_log()"
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER model_alias_log_no_{verb.lower()} BEFORE {verb} ON model_alias_log"
            f" {refuse}"
        )


def _results() -> None:
    op.create_table(
        "analysis_results",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("timestamp", sa.String(32), nullable=False),
        sa.Column("request_id", sa.String(100), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        # 0 when no version answered.
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        # The version that was asked first; another one answered when it failed.
        sa.Column("asked", sa.Integer, nullable=False),
        sa.Column("alias", sa.String(20), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("served_by", sa.String(200), nullable=False),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("latency_ms", sa.Float, nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("outputs", sa.Text, nullable=False),
    )
    op.create_index("idx_analysis_timestamp", "analysis_results", ["timestamp"])
    op.create_index("idx_analysis_request", "analysis_results", ["request_id"])
    op.create_index(
        "idx_analysis_user",
        "analysis_results",
        ["user_id"],
        sqlite_where=sa.text("user_id <> ''"),
        postgresql_where=sa.text("user_id <> ''"),
    )


def _canaries() -> None:
    op.create_table(
        "model_canaries",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("candidate", sa.Integer, nullable=False),
        sa.Column("production", sa.Integer, nullable=False),
        sa.Column("mode", sa.String(20), nullable=False),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("margin", sa.Float, nullable=False),
        sa.Column("alpha", sa.Float, nullable=False),
        sa.Column("slow_ms", sa.Float, nullable=False),
        sa.Column("max_seconds", sa.Float, nullable=False),
        sa.Column("promote", sa.Boolean, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("idx_canaries_name", "model_canaries", ["name", "started_at"])
