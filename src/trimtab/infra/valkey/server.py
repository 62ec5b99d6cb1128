"""Connection to a Valkey or Redis server, behind a circuit breaker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from trimtab.infra.breaker import CircuitBreaker
from trimtab.infra.dependencies import Dependencies, DependencyUnavailable
from trimtab.kernel.errors import Misconfigured, Unavailable
from trimtab.kernel.health import ComponentHealth, Status

if TYPE_CHECKING:
    from redis import Redis

T = TypeVar("T")
NAME = "valkey"
"""Of the dependency and of the component of ``/health``."""
TIMEOUT_SECONDS = 0.5
"""Of one call. A call on the same network takes under a millisecond; a longer one is an outage."""
_CONNECTIONS = 64
_SCHEMES = {"valkey": "redis", "valkeys": "rediss", "redis": "redis", "rediss": "rediss"}
_DOWN = "rate limits count in each process, and cached answers are not shared"


class ValkeyAddressInvalid(Misconfigured):
    """`service.valkey_url` cannot be used."""

    code = "valkey.address_invalid"


class ValkeyClientMissing(Misconfigured):
    """A Valkey server is configured, and its client library is not installed."""

    code = "valkey.client_missing"


class ValkeyUnavailable(Unavailable):
    """The Valkey server does not answer, or refuses the call."""

    code = "valkey.unavailable"
    default_hint = "Check `service.valkey_url` and the server; then repeat it."


class Valkey:
    """A server that several processes share. Thread-safe.

    Args:
        client: Connects at the first call.
        dependencies: Have the circuit breaker: a server that is down is not called for some
            seconds, and everything that uses it does without.
    """

    def __init__(self, client: Redis, dependencies: Dependencies) -> None:
        self.client = client
        self._dependencies = dependencies

    @property
    def breaker(self) -> CircuitBreaker:
        """The circuit breaker of the server."""
        return self._dependencies.breaker(NAME)

    def call(self, work: Callable[[Redis], T]) -> T | None:
        """Return the result of a call, or None when the server is down or answers nonsense.

        Args:
            work: The call; it must not return None.
        """
        from redis import RedisError

        # A server of another kind on the port makes the client raise these two.
        failures = (RedisError, OSError, ValueError, UnicodeError)
        try:
            return self._dependencies.call(NAME, lambda: work(self.client), failures)
        except (DependencyUnavailable, *failures):
            return None

    def ping(self) -> bool:
        """Return whether the server answers."""
        return self.call(lambda client: bool(client.ping())) or False

    def info(self) -> dict[str, Any]:
        """Return the server's statistics; empty while it is down."""

        def read(client: Redis) -> dict[str, Any]:
            return dict(client.info("all"))

        return self.call(read) or {}

    def health(self) -> ComponentHealth:
        """Return the component of ``/health``; never down, because the service works without."""
        if self.ping():
            return ComponentHealth(Status.UP)
        return ComponentHealth(Status.DEGRADED, f"The Valkey server does not answer: {_DOWN}.")

    def close(self) -> None:
        """Close every connection."""
        self.client.close()


def open_valkey(url: str, dependencies: Dependencies) -> Valkey | None:
    """Return the server of the address, not yet connected; None for an empty address.

    Raises:
        ValkeyAddressInvalid: The address has no known scheme, or no host.
        ValkeyClientMissing: The extra ``valkey`` is not installed.
    """
    if not url:
        return None
    address = _redis_address(url)
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise ValkeyClientMissing(
            "The client library of Valkey is not installed.",
            hint="Install it: pip install 'trimtab[valkey]', or empty `service.valkey_url`.",
        ) from error
    client = Redis.from_url(
        address,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # One repetition on a new connection: the server was restarted and the old one is dead.
        retry=Retry(NoBackoff(), 1),
        health_check_interval=0,
        max_connections=_CONNECTIONS,
        client_name="trimtab",
    )
    return Valkey(client, dependencies)


def _redis_address(url: str) -> str:
    hint = "Write `service.valkey_url` as valkey://[:PASSWORD@]HOST:PORT/0, or valkeys:// for TLS."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValkeyAddressInvalid(
            f"The address of the Valkey server is not valid: {error}.", hint=hint
        ) from None
    if parts.scheme not in _SCHEMES:
        raise ValkeyAddressInvalid(
            f"The address of the Valkey server has the unknown scheme {parts.scheme!r}.", hint=hint
        )
    database = parts.path.strip("/")
    if not parts.hostname or port == 0 or (database and not database.isdecimal()):
        raise ValkeyAddressInvalid(
            "The address of the Valkey server names no host, or no database number.", hint=hint
        )
    return parts._replace(scheme=_SCHEMES[parts.scheme]).geturl()
