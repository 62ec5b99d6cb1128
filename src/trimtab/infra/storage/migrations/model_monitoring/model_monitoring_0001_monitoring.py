"""What the monitoring of models keeps: references, predictions, windows, and the tables by the documents' names."""

import sqlalchemy as sa
from alembic import op

revision = "model_monitoring_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _inputs()
    _windows()
    _views()
    _retraining()


def _inputs() -> None:
    op.create_table(
        "monitored_models",
        sa.Column("model", sa.String(100), primary_key=True),
        sa.Column("reference_id", sa.String(80), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
    )
    op.create_table(
        "observed_predictions",
        sa.Column("model", sa.String(100), primary_key=True),
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("window_start", sa.String(32), nullable=False),
        sa.Column("version", sa.String(100), nullable=False),
        sa.Column("prediction", sa.String(200)),
        sa.Column("score", sa.Float),
        sa.Column("error", sa.String(200)),
        sa.Column("label", sa.String(200)),
        sa.Column("labelled_at", sa.String(32)),
    )
    op.create_index("idx_observed_window", "observed_predictions", ["model", "window_start"])
    op.create_table(
        "input_corrections",
        sa.Column("model", sa.String(100), primary_key=True),
        sa.Column("feature", sa.String(200), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
    )


def _windows() -> None:
    op.create_table(
        "model_windows",
        sa.Column("model", sa.String(100), primary_key=True),
        sa.Column("reference_id", sa.String(80), primary_key=True),
        sa.Column("window_start", sa.String(32), primary_key=True),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("computed", sa.Integer, nullable=False),
    )
    op.create_table(
        "model_metric_values",
        sa.Column("model", sa.String(100), primary_key=True),
        sa.Column("window_start", sa.String(32), primary_key=True),
        sa.Column("window_end", sa.String(32), nullable=False),
        *_floats("requests", "errors", "error_rate", "latency_p50_seconds", "latency_p99_seconds"),
        *_floats("labelled", "f1", "precision", "recall", "accuracy"),
        *_floats("estimated_f1", "estimated_f1_error", "drift_score"),
        sa.Column("drift_verdict", sa.String(20), nullable=False),
        sa.Column("computed_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "feature_values",
        sa.Column("model", sa.String(100), primary_key=True),
        sa.Column("window_start", sa.String(32), primary_key=True),
        sa.Column("feature", sa.String(200), primary_key=True),
        sa.Column("window_end", sa.String(32), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        *_floats("null_rate", "unseen_rate", "unit_factor", "psi", "noise_floor"),
        sa.Column("verdict", sa.String(20), nullable=False),
    )


def _floats(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Float) for name in names]


def _views() -> None:
    # The names of the incident response procedures; `docs/model-monitoring.md` describes the columns.
    op.execute(
        "CREATE VIEW model_metrics AS SELECT model, window_start, window_end, requests, errors, error_rate,"
        " latency_p50_seconds, latency_p99_seconds, labelled, f1, precision, recall, accuracy, estimated_f1,"
        " estimated_f1_error, drift_score, drift_verdict, computed_at FROM model_metric_values"
    )
    op.execute(
        "CREATE VIEW data_quality AS SELECT model, window_start, window_end, feature, rows, null_rate, unseen_rate,"
        " unit_factor FROM feature_values"
    )
    op.execute(
        "CREATE VIEW feature_drift AS SELECT model, window_start, window_end, feature, rows, psi, noise_floor,"
        " verdict FROM feature_values"
    )


def _retraining() -> None:
    op.create_table(
        "model_retrainings",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("requested_by", sa.String(200), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.Column("data_sha256", sa.String(64), nullable=False),
        sa.Column("approval_hash", sa.String(64), nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
    )
    op.create_index("model_retrainings_by_model", "model_retrainings", ["model", "at"])
