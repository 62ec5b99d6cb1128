"""Turns errors of the driver into errors with a next step, and tells why no connection was made."""

from enum import StrEnum
from typing import TYPE_CHECKING

from trimtab.kernel.errors import TrimtabError
from trimtab.postgresql.errors import (
    PostgresConflict,
    PostgresForbidden,
    PostgresNotConfigured,
    PostgresRefused,
    PostgresTimeout,
    PostgresUnavailable,
    PostgresUnknown,
)

if TYPE_CHECKING:
    import psycopg


class FailureKind(StrEnum):
    """Reason why no connection was made."""

    REFUSED = "refused"
    """Nothing listens at the address."""
    TIMEOUT = "timeout"
    """The server took the connection and did not answer in time."""
    EXHAUSTED = "exhausted"
    """All connections are in use."""
    STARTING = "starting"
    """The server is starting, stopping or recovering."""
    CREDENTIALS = "credentials"
    """The role, its password or the database is wrong."""
    OTHER = "other"


# A failed connection carries no SQLSTATE, only the texts of libpq and of the server.
_TEXTS: tuple[tuple[FailureKind, tuple[str, ...]], ...] = (
    (
        FailureKind.EXHAUSTED,
        (
            "too many clients",
            "connection slots are reserved",
            "too many connections",
        ),
    ),
    (
        FailureKind.STARTING,
        ("is starting up", "is shutting down", "not yet accepting", "in recovery mode"),
    ),
    (
        FailureKind.CREDENTIALS,
        ("authentication failed", "does not exist", "pg_hba.conf", "no password supplied"),
    ),
    (FailureKind.TIMEOUT, ("timeout expired", "timed out", "timeout")),
    (
        FailureKind.REFUSED,
        ("connection refused", "no such file or directory", "could not translate host name"),
    ),
)
_MESSAGES = {
    FailureKind.REFUSED: "The PostgreSQL server refused the connection: nothing listens there.",
    FailureKind.TIMEOUT: "The PostgreSQL server did not answer a new connection in time.",
    FailureKind.EXHAUSTED: "The PostgreSQL server has no free connection.",
    FailureKind.STARTING: "The PostgreSQL server is starting or stopping.",
    FailureKind.CREDENTIALS: "The PostgreSQL server refuses the role, password or database.",
    FailureKind.OTHER: "The PostgreSQL server cannot be reached.",
}


def kind_of(error: "psycopg.Error") -> FailureKind:
    """Return the reason why a connection failed."""
    text = str(error).lower()
    for kind, parts in _TEXTS:
        if any(part in text for part in parts):
            return kind
    return FailureKind.OTHER


def connect_error(error: "psycopg.Error") -> TrimtabError:
    """Return the error of a failed connection."""
    kind = kind_of(error)
    if kind is FailureKind.CREDENTIALS:
        return PostgresNotConfigured(
            _MESSAGES[kind], hint="Correct `postgresql.url`, then start again."
        )
    if kind is FailureKind.TIMEOUT:
        return PostgresTimeout(_MESSAGES[kind])
    return PostgresUnavailable(_MESSAGES[kind])


def statement_error(error: "psycopg.Error") -> TrimtabError:
    """Return the error of a failed statement."""
    state = error.sqlstate or ""
    text = (error.diag.message_primary or str(error)).strip().splitlines()[0]
    if state in {"57014", "55P03", "25P04"}:
        return PostgresTimeout(f"PostgreSQL did not finish in time: {text}.")
    if (not state and _is_of_connection(error)) or state.startswith(("08", "57P", "53")):
        return PostgresUnavailable("The connection to the PostgreSQL server was lost.")
    if state == "42501":
        return PostgresForbidden(f"PostgreSQL does not allow this: {text}.")
    if state in {"42P01", "42704", "3D000", "58P01"}:
        return PostgresUnknown(f"PostgreSQL does not know this: {text}.")
    if state in {"55006", "55000", "42P04"}:
        return PostgresConflict(f"PostgreSQL cannot do this now: {text}.")
    return PostgresRefused(f"PostgreSQL refused the statement: {text}.")


def _is_of_connection(error: "psycopg.Error") -> bool:
    """Return whether an error without SQLSTATE is one of the connection, not of the caller."""
    import psycopg

    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
