"""Errors of the adapter to a PostgreSQL server."""

from trimtab.kernel.errors import (
    Conflict,
    DeadlineExceeded,
    Forbidden,
    InvalidInput,
    Misconfigured,
    NotFound,
    Unavailable,
)


class PostgresNotConfigured(Misconfigured):
    """No PostgreSQL server is configured, or not for this operation."""

    code = "postgresql.not_configured"
    default_hint = "Set `postgresql.url` or `service.database_url`, then start again."


class PostgresUnavailable(Unavailable):
    """The server cannot be reached, takes no more connections, or closed the connection."""

    code = "postgresql.unavailable"
    default_hint = "The page database-connections tells the causes; repeat the call afterwards."


class PostgresTimeout(DeadlineExceeded):
    """The server did not answer in time."""

    code = "postgresql.timeout"
    default_hint = "`trimtab act postgresql.locks` shows who waits for whom; then repeat the call."


class PostgresForbidden(Forbidden):
    """The role of `postgresql.url` may not do this."""

    code = "postgresql.forbidden"
    default_hint = "docs/postgresql.md lists the rights that each action needs."


class PostgresRefused(InvalidInput):
    """The server refused the statement, or the value is not among the stages."""

    code = "postgresql.refused"


class PostgresConflict(Conflict):
    """The present state of the server does not allow this."""

    code = "postgresql.conflict"


class PostgresUnknown(NotFound):
    """The server has no such table, index, database or backup."""

    code = "postgresql.unknown"
