"""Settings of the PostgreSQL server that is watched and operated."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class PostgresqlSettings:
    """Address and limits of the PostgreSQL server that is watched and operated."""

    url: str = setting(
        "",
        help="The server that is watched and operated, `postgresql://...`; empty for that of"
        " `service.database_url`.",
        secret=True,
    )
    connect_seconds: float = setting(
        5.0, unit="seconds", help="The longest wait for a connection.", minimum=1, maximum=60
    )
    statement_seconds: float = setting(
        10.0,
        unit="seconds",
        help="The longest time of a query that reads the server's state.",
        minimum=1,
        maximum=300,
    )
    refresh_seconds: float = setting(
        15.0, unit="seconds", help="The time between two reads of the server's state.", minimum=1
    )
    control: tuple[str, ...] = setting(
        (),
        help="The command that controls the server, with `{verb}` for `start`, `stop` or `restart`,"
        " such as `systemctl,{verb},postgresql`; empty when trimtab must not restart it.",
    )
    programs: str = setting(
        "",
        help="The folder of `pg_dump` and `pg_restore`; empty to look for them as a shell does.",
    )
    backup_folder: str = setting(
        "", help="The folder of the dumps; empty for `backups/postgresql` in the data directory."
    )
    backup_keep: int = setting(
        7, unit="dumps", help="How many dated dumps are kept.", minimum=1, maximum=1000
    )
    backup_hours: float = setting(
        24.0,
        unit="hours",
        help="How often trimtab's own database is dumped; 0 means only when somebody asks.",
        minimum=0,
    )
    backup_copies: str = setting(
        "",
        help="Where each dump, also that of Valkey, is copied to, as `s3://BUCKET/PREFIX` or another folder; empty for"
        " nowhere.",
    )
    backup_copies_endpoint: str = setting(
        "", help="The address of the S3 service of the copies; empty for that of Amazon."
    )
    backup_seconds: float = setting(
        3600.0, unit="seconds", help="The longest time of a dump or restore.", minimum=1
    )
    recovery_database: str = setting(
        "hybrid_ai_recovery",
        help="The database into which a dump is restored next to the live one.",
    )
    control_seconds: float = setting(
        120.0, unit="seconds", help="The longest time of that command.", minimum=1, maximum=3600
    )
