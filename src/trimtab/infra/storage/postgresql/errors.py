"""Translates errors of PostgreSQL and its driver into trimtab's."""

import logging

import psycopg
import sqlalchemy as sa
from psycopg import errors

from trimtab.kernel.errors import Corrupt, InvalidInput, StorageFull, TrimtabError, Unavailable

STORAGE_ERRORS = (sa.exc.DBAPIError, sa.exc.TimeoutError, psycopg.Error, OSError)
_REPEAT = "Repeat the call."
_log = logging.getLogger(__name__)
_NO_CONNECTION = ("too many connections", "too many clients", "connection slots")
_REFUSALS: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    ((errors.QueryCanceled,), "A query of {} was ended because it ran too long.", _REPEAT),
    (
        (errors.LockNotAvailable, errors.DeadlockDetected),
        "The database {} stayed locked.",
        _REPEAT,
    ),
    (
        (errors.IdleInTransactionSessionTimeout,),
        "A change of {} waited too long and was undone.",
        _REPEAT,
    ),
    ((errors.SerializationFailure,), "The database {} changed meanwhile.", _REPEAT),
    (
        (errors.ReadOnlySqlTransaction,),
        "The server of {} takes no writes: it is a standby.",
        "Repeat the call after the fail-over, or name the primary in the address.",
    ),
)


def translate(name: str, error: Exception, *, committing: bool = False) -> TrimtabError | None:
    """Return trimtab's error for that of the storage, or None for a programming error.

    Args:
        name: The database in messages.
        error: Of the driver or of SQLAlchemy.
        committing: The transaction may have been committed.
    """
    if isinstance(error, sa.exc.TimeoutError):
        _log.error("Connection pool exhausted", extra={"database": name})
        return Unavailable(
            f"Connection pool exhausted: all connections to {name} are in use.",
            hint="Repeat the call; `trimtab queries` shows what runs.",
        )
    found = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if ours := _by_class(name, found) or _by_message(name, str(found)):
        return ours
    if isinstance(found, psycopg.OperationalError | psycopg.InterfaceError | OSError):
        return _lost(name, found, committing=committing)
    return None


def _by_class(name: str, error: BaseException | None) -> TrimtabError | None:
    if isinstance(error, errors.DiskFull):
        return StorageFull(f"The disk of the database {name} is full; nothing was written.")
    if isinstance(error, errors.DataCorrupted | errors.IndexCorrupted):
        return Corrupt(
            f"The database {name} is damaged: {str(error).partition(chr(10))[0]}.",
            hint="Restore it from a backup of PostgreSQL.",
        )
    if isinstance(error, psycopg.DataError) and _is_character(error):
        return InvalidInput(
            "A text has a character that the database cannot store, such as NUL (0x00).",
            hint="Remove it, then repeat the call.",
        )
    for kinds, message, hint in _REFUSALS:
        if isinstance(error, kinds):
            return Unavailable(message.format(name), hint=hint)
    return None


def _by_message(name: str, message: str) -> TrimtabError | None:
    # A refused connection has no code of an error, only the server's words.
    if any(words in message for words in _NO_CONNECTION):
        return Unavailable(
            f"The server of {name} has no connection left.",
            hint="Repeat the call; raise `max_connections` or run fewer processes.",
        )
    return None


def _is_character(error: psycopg.DataError) -> bool:
    named = (errors.UntranslatableCharacter, errors.CharacterNotInRepertoire)
    return isinstance(error, named) or "NUL" in str(error)


def _lost(name: str, error: BaseException, *, committing: bool) -> Unavailable:
    _log.error(
        "Database connection lost", extra={"database": name, "error_type": type(error).__name__}
    )
    if committing:
        return Unavailable(
            f"The connection to the database {name} was lost during a commit.",
            hint="The change may have been made: look before you repeat the call.",
        )
    return Unavailable(f"The database {name} cannot be reached.", hint=_REPEAT)
