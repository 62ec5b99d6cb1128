"""Settings of knowledge: limits, caches, embedding, engines and maintenance."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class KnowledgeSettings:
    """Documents, search, embedding model, engines and retention."""

    max_document_mb: int = setting(
        50,
        unit="MB",
        help="The largest file that is ingested.",
        env=("MAX_DOCUMENT_SIZE_MB",),
        minimum=1,
        maximum=1024,
    )
    max_inflated_mb: int = setting(
        500,
        unit="MB",
        help="How much a compressed document may unpack to; more counts as a bomb.",
        minimum=1,
    )
    max_text_characters: int = setting(
        20_000_000, unit="characters", help="The longest text taken from one file.", minimum=1000
    )
    parse_seconds: float = setting(
        60.0, unit="seconds", help="After this time a parser is killed.", minimum=0.1
    )
    parse_memory_mb: int = setting(
        2048, unit="MB", help="Address space of the parser's process.", minimum=1024
    )
    chunk_characters: int = setting(
        800,
        unit="characters",
        help="The length a passage aims at; the embedding model sees about 1,000.",
        minimum=100,
        maximum=4000,
    )
    query_cache_entries: int = setting(
        100,
        unit="entries",
        help="Search results kept in memory.",
        env=("QUERY_CACHE_SIZE", "CACHE_SIZE"),
        minimum=1,
        maximum=1_000_000,
    )
    embedding_cache_entries: int = setting(
        1000,
        unit="entries",
        help="Vectors of queries kept in memory.",
        env=("EMBEDDING_CACHE_SIZE",),
        minimum=1,
        maximum=1_000_000,
    )
    document_cache_entries: int = setting(
        20, unit="entries", help="Texts of documents kept in memory.", minimum=1, maximum=10_000
    )
    max_cache_memory_mb: int = setting(
        2048,
        unit="MB",
        help="The caches together never hold more than this.",
        env=("MAX_CACHE_MEMORY_MB",),
        minimum=1,
    )
    cache_window_seconds: float = setting(
        300.0,
        unit="seconds",
        help="The sliding window over which cache hit ratios are computed.",
        minimum=1,
    )
    cache_window_lookups: int = setting(
        20,
        unit="lookups",
        help="Below this many lookups in the window there is no hit ratio: too little to judge by.",
        minimum=1,
    )
    frequent_queries: int = setting(
        5000,
        unit="queries",
        help="How many frequent queries are remembered to warm the cache with; 0 remembers none.",
        minimum=0,
        maximum=100_000,
    )
    log_queries: bool = setting(
        default=False,
        help="Write the text of queries to the log; it may hold personal data, so it is left out.",
    )
    embedding_model: str = setting(
        "sentence-transformers/all-MiniLM-L6-v2",
        help="The model that turns text into vectors.",
        env=("EMBEDDING_MODEL",),
        choices=("sentence-transformers/all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
    )
    embedding_device: str = setting(
        "cpu",
        help=(
            "Where models run; `cuda` is an NVIDIA GPU. Without one, or without memory there, they"
            " run on the CPU."
        ),
        env=("EMBEDDING_DEVICE",),
        choices=("cpu", "cuda"),
    )
    embedding_threads: int = setting(
        2,
        unit="threads",
        help="Cores that an ingestion may use for vectors.",
        minimum=1,
        maximum=64,
    )
    embedding_required: bool = setting(
        default=False,
        help="Refuse to start when the model cannot be loaded; otherwise start with keywords only.",
    )
    engine: str = setting(
        "embedded",
        help=(
            "Where the vectors of new projects are searched; a project keeps its engine until it is"
            " moved."
        ),
        choices=("embedded", "postgres", "chroma", "qdrant"),
    )
    postgres_url: str = setting(
        "",
        help="PostgreSQL with pgvector: `postgresql://user:password@host:5432/database`.",
        secret=True,
    )
    chroma_url: str = setting("", help="A Chroma server: `http://chromadb:8000`.")
    qdrant_url: str = setting("", help="A Qdrant server: `http://qdrant:6333`.")
    qdrant_storage_gb: float = setting(
        0.0,
        unit="GB",
        help="Storage that the plan at Qdrant Cloud allows; a free cluster has 4, 0: no limit.",
        minimum=0,
    )
    engine_timeout_seconds: float = setting(
        5.0,
        unit="seconds",
        help="A server of vectors that takes longer counts as down for that call.",
        minimum=0.05,
    )
    heartbeat_seconds: float = setting(
        10.0,
        unit="seconds",
        help="The time between two heartbeats of the model and the engines.",
        minimum=0.01,
    )
    probe_seconds: float = setting(
        30.0,
        unit="seconds",
        help="How long the circuit breaker stays open before it tries the model again.",
        minimum=0.01,
    )
    breaker_failures: int = setting(
        3, unit="failures", help="Failures in a row that open the circuit breaker.", minimum=1
    )
    dead_letter_attempts: int = setting(
        5,
        unit="attempts",
        help="After this many failed attempts a queued document goes to the dead-letter list.",
        minimum=1,
    )
    backup_keep_days: float = setting(
        7.0, unit="days", help="How long backups are kept; the newest always.", minimum=0.01
    )
    snapshot_keep_days: float = setting(
        30.0, unit="days", help="How long files in the snapshots folder are kept.", minimum=0.01
    )
    snapshots_daily: int = setting(
        7, unit="files", help="How many daily_ snapshots are kept at most.", minimum=1
    )
    log_compress_days: float = setting(
        7.0, unit="days", help="After this time a log file is compressed.", minimum=0.01
    )
    log_keep_days: float = setting(
        30.0, unit="days", help="How long compressed log files are kept.", minimum=0.01
    )
    temp_keep_days: float = setting(
        1.0, unit="days", help="How long files in the temp folder are kept.", minimum=0.01
    )
    disk_min_free_gb: float = setting(
        5.0,
        unit="GB",
        help="Below this much free space the clean-up goes to its limits.",
        minimum=0,
    )
    disk_max_used_percent: float = setting(
        90.0,
        unit="percent",
        help="Above this use of the disk the clean-up goes to its limits.",
        minimum=1,
        maximum=100,
    )
    memory_profiling: bool = setting(
        default=False,
        help="Write a MEMORY_PROFILE log line from time to time.",
        env=("ENABLE_MEMORY_PROFILING",),
    )
    memory_profile_seconds: float = setting(
        300.0,
        unit="seconds",
        help="The time between two MEMORY_PROFILE lines.",
        env=("PROFILE_INTERVAL_SECONDS",),
        minimum=0.01,
    )
    memory_limit_mb: int = setting(
        8192,
        unit="MB",
        help="The memory that this process may have; its use is measured against it, "
        "or against the container's limit when that is lower.",
        minimum=64,
    )
