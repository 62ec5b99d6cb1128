"""Settings of trained models: registry, serving, canary and fallback."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class ModelsSettings:
    """Limits of artifacts and requests, and how predictions are served."""

    max_artifact_mb: float = setting(
        512.0, unit="MB", help="The largest artifact, unpacked.", minimum=1
    )
    trusted_types: tuple[str, ...] = setting(
        # skops does not trust it, because crafted indices can crash the process; we check them.
        ("sklearn.tree._tree.Tree",),
        help="Types that an artifact may hold beyond those that skops trusts.",
    )
    artifacts_url: str = setting(
        "",
        help=(
            "Where artifacts are kept too, such as `s3://model-artifacts`; empty for a second copy"
            " in the data directory."
        ),
    )
    artifacts_endpoint: str = setting(
        "", help="The address of an S3-compatible server; empty for that of AWS."
    )
    verify_seconds: float = setting(
        3600.0,
        unit="seconds",
        help="The time between two checks of every live version's files and golden batch.",
        minimum=10,
    )
    max_rows: int = setting(
        10_000, unit="rows", help="The most rows of one call.", minimum=1, maximum=1_000_000
    )
    deadline_seconds: float = setting(
        10.0, unit="seconds", help="The longest wait for a prediction.", minimum=0.05, maximum=600
    )
    batch_wait_ms: float = setting(
        5.0,
        unit="milliseconds",
        help="How long a request waits at most for others that are predicted with it.",
        minimum=0,
        maximum=1000,
    )
    batch_rows: int = setting(
        256, unit="rows", help="The most rows that are predicted together.", minimum=1
    )
    max_waiting: int = setting(
        1000, unit="requests", help="The most requests that wait for a model.", minimum=1
    )
    breaker_failures: int = setting(
        5, unit="failures", help="Failures in a row that open a model's circuit breaker.", minimum=1
    )
    breaker_seconds: float = setting(
        30.0, unit="seconds", help="How long it stays open before one trial.", minimum=0.1
    )
    fallback_enabled: bool = setting(
        default=True,
        help="Whether the previous version or the rule baseline answers when a model fails.",
    )
    foundation_fallback: bool = setting(
        default=False,
        help=(
            "Whether the language model of the answers classifies when nothing else can; it is sent"
            " the rows of the request."
        ),
    )
    recover_seconds: float = setting(
        60.0,
        unit="seconds",
        help=(
            "The time between two health checks; a model that fails three of them is loaded again."
            " 0 turns it off."
        ),
        minimum=0,
    )
    only: str = setting(
        "",
        help=(
            "The one model that this process serves: only it is loaded at the start, and `/health`"
            " is its health. Empty for all models."
        ),
    )
    config_dir: str = setting(
        "",
        help=(
            "The folder where the ConfigMaps `cache-config` and `model-config` are mounted; they"
            " are applied when they change."
        ),
    )
    cache_ttl_seconds: float = setting(
        3600.0,
        unit="seconds",
        help="How long a cached result is used; 0 turns the cache off.",
        minimum=0,
    )
    cache_max_mb: float = setting(
        64.0, unit="MB", help="The memory that cached results may use.", minimum=0
    )
    keep_results_days: float = setting(
        30.0, unit="days", help="How long results of predictions are kept.", minimum=0.01
    )
    store_inputs: bool = setting(
        default=True, help="Whether the rows of a request are stored with its result."
    )
    # Monitoring of models that run here or anywhere.
    monitoring_window_minutes: float = setting(
        15.0, unit="minutes", help="The length of a window of a model's metrics.", minimum=1
    )
    monitoring_recent_minutes: float = setting(
        60.0, unit="minutes", help="How far back a judgement about a model looks.", minimum=1
    )
    keep_observations_days: float = setting(
        30.0, unit="days", help="How long observed predictions and windows are kept.", minimum=2
    )
    retraining_schedule: str = setting(
        "", help="When models are retrained, as five cron fields in UTC; empty for never."
    )
    retraining_data: str = setting(
        "retraining-data",
        help="The folder where the data pipeline puts NAME.jsonl or NAME.csv for retraining.",
    )
    drift_p1: float = setting(
        0.4, help="The overall PSI above which drift of a model is critical (P1).", minimum=0.3
    )
