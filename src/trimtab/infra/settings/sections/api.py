"""Settings of the HTTP interface: access, limits and headers."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Access to the HTTP interface and the console."""

    anonymous_reader: bool = setting(
        default=True,
        help="Let callers without a key read, as long as the service listens on loopback only.",
    )
    allowed_hosts: tuple[str, ...] = setting(
        (),
        help="Host names that requests may carry; empty means the loopback names, or any name "
        "when the service listens beyond loopback.",
    )
    key_limit_per_minute: int = setting(
        300, unit="requests a minute", help="The limit per API key; 0 means none.", minimum=0
    )
    session_hours: float = setting(
        12.0, unit="hours", help="How long a console sign-in lasts.", minimum=0.01, maximum=720
    )
    at_once: int = setting(
        0,
        unit="calls",
        help="How many questions and searches are worked on at once; 0 means 8, or 64 where a "
        "model elsewhere writes the answers. The others wait their turn.",
        minimum=0,
        maximum=1000,
    )
    most_waiting: int = setting(
        200,
        unit="calls",
        help="How many questions and searches may wait their turn; one more is refused with 503.",
        minimum=0,
        maximum=10_000,
    )
    body_seconds: float = setting(
        300.0,
        unit="seconds",
        help="How long the body of a request may take from its first to its last byte.",
        minimum=1,
        maximum=86_400,
    )
    secure_cookie: bool = setting(
        default=False,
        help="Send the console's cookie over HTTPS alone, also when a proxy takes HTTPS off: then "
        "the service itself sees only HTTP. Over HTTPS it is always sent so.",
    )
    hsts_seconds: int = setting(
        0,
        unit="seconds",
        help="How long browsers shall insist on HTTPS (Strict-Transport-Security); 0 sends no such "
        "header.",
        minimum=0,
        maximum=63_072_000,
    )
    max_upload_mb: int = setting(
        50,
        unit="MB",
        help="The largest body of an ingestion call; it is streamed to disk.",
        minimum=1,
        maximum=10_000,
    )
