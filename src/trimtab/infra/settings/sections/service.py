"""Settings of the process: address, data directory, logs and limits."""

from dataclasses import dataclass
from pathlib import Path

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Address, data directory, logs and limits of the process."""

    host: str = setting(
        "127.0.0.1", help="The address to listen on; anything but loopback needs API keys."
    )
    port: int = setting(8000, help="The port to listen on.", minimum=0, maximum=65535)
    advertised_address: str = setting(
        "",
        help=(
            "The base URL at which other processes on the same database reach this one, such as"
            " `http://10.0.0.7:8000`; empty means `service.host`, or the host's name, and the port."
        ),
    )
    data_dir: Path = setting(Path("data"), help="The directory for all data; created when missing.")
    database_url: str = setting(
        "",
        help="PostgreSQL for all data, `postgresql://...`; empty means SQLite in the directory.",
        secret=True,
    )
    database_direct_url: str = setting(
        "",
        help="The same database without the pooler that `database_url` names, for session locks.",
        secret=True,
    )
    database_connections: int = setting(
        8,
        unit="connections",
        help="How many each process opens at most for each of its databases on PostgreSQL.",
        minimum=2,
        maximum=200,
    )
    allow_unsafe_database: bool = setting(
        default=False,
        help="Start on a PostgreSQL that loses acknowledged changes in a crash. For tests only.",
    )
    log_level: str = setting(
        "INFO",
        help="How much is logged.",
        env=("LOG_LEVEL",),
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
    )
    log_profile: str = setting(
        "upper",
        help='How a log line writes its level: `upper` as "ERROR", `lower` as "error".',
        env=("LOG_PROFILE",),
        choices=("upper", "lower"),
    )
    log_to_files: bool = setting(
        default=True,
        help="Also write the log to `logs/trimtab.log` in the data directory.",
    )
    log_file_mb: int = setting(
        100, unit="MB", help="The size at which a new log file is begun.", minimum=1
    )
    log_files: int = setting(
        10,
        unit="files",
        help=(
            "How many log files are kept at any age; their total size is at most this number times"
            " the file size."
        ),
        minimum=2,
    )
    log_keep_hours: float = setting(
        24.0, unit="hours", help="How long log files beyond that number are kept.", minimum=0
    )
    max_body_mb: int = setting(
        10, unit="MB", help="The largest request body outside ingestion.", minimum=1, maximum=1024
    )
    rate_limit_per_minute: int = setting(
        100, unit="requests a minute", help="The limit per client address; 0 means none.", minimum=0
    )
    roles: tuple[str, ...] = setting(
        ("all",),
        help="The work of this process, such as `gateway, operator`; `all` is everything.",
    )
    trusted_proxies: tuple[str, ...] = setting(
        (),
        help="Addresses or networks of proxies whose X-Forwarded-For tells the client's address.",
    )
    valkey_url: str = setting(
        "",
        help="A Valkey or Redis server that several processes share, as valkey://host:6379/0.",
        secret=True,
    )
    valkey_backup_hours: float = setting(
        24.0,
        unit="hours",
        help="How often the Valkey server's keys are dumped to `redis_backup.rdb`; 0 means never.",
        minimum=0,
    )
    valkey_backup_folder: str = setting(
        "", help="The folder of that dump; empty for `backups/valkey` in the data directory."
    )
    valkey_programs: str = setting(
        "",
        help="The folder of `valkey-server` or `redis-server`, which writes and reads the dump;"
        " empty to look for it as a shell does.",
    )
    slow_request_seconds: float = setting(
        1.0,
        unit="seconds",
        help="Reads and questions that take longer are marked `slow_request` in the log.",
        minimum=0,
    )
    provider_probes: tuple[str, ...] = setting(
        (),
        help="Addresses of outside providers that are probed, such as https://api.openai.com/v1/models.",
    )
    provider_probe_seconds: float = setting(
        60.0, unit="seconds", help="Between two probes of the providers.", minimum=5
    )
    config_dir: str = setting(
        "",
        help=(
            "The folder where the ConfigMap `system-config` is mounted; maintenance mode follows"
            " it when it changes."
        ),
    )
    maintenance_mode: bool = setting(
        default=False, help="Start in maintenance mode, until it is switched off."
    )
    maintenance_message: str = setting(
        "System maintenance in progress", help="The message for callers in maintenance mode."
    )
    maintenance_scope: str = setting(
        "all",
        help="What maintenance mode refuses: writes and questions, or `writes` alone.",
        choices=("all", "writes"),
    )
    maintenance_exempt_roles: tuple[str, ...] = setting(
        ("operator", "admin"), help="Roles whose requests maintenance mode lets through."
    )
    maintenance_retry_seconds: int = setting(
        300, unit="seconds", help="`Retry-After` of a refused request.", minimum=1
    )
    drills: bool = setting(
        default=False, help="Let the local control socket inject faults. For drills only."
    )
    clock_rate: float = setting(
        1.0,
        help="Seconds of the service's clock per real second; above 1 only in drills.",
        minimum=0.01,
        maximum=1000,
    )
