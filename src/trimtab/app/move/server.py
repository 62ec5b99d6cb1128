"""Checks of a PostgreSQL server before a move: whether it is empty, and who uses it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from trimtab.app.move.errors import RelocationRefused
from trimtab.app.move.sides import SCHEMAS
from trimtab.infra.settings import Settings
from trimtab.infra.storage.installation import MOVE_LOCK, InstallationState
from trimtab.kernel.errors import Unavailable

if TYPE_CHECKING:
    from trimtab.infra.storage.postgresql import PostgresServer

_OURS = (*SCHEMAS, "knowledge_kept", "fleet", "dbos")
"""Schemas of trimtab: of its chains, and those that only PostgreSQL has."""
APPLICATION = "trimtab move-to"
"""Name of the move's own connections."""
_EMPTY = "Name an empty database: `CREATE DATABASE trimtab` makes one."


def public_address(url: str) -> str:
    """Return an address of PostgreSQL without its password and options."""
    parts = conninfo_to_dict(url)
    user = f"{quote(str(parts['user']))}@" if parts.get("user") else ""
    host, port = str(parts.get("host") or "localhost"), parts.get("port")
    place = f"{quote(host, safe='.:')}{f':{port}' if port else ''}"
    return f"postgresql://{user}{place}/{quote(str(parts.get('dbname') or ''))}"


def server_of(url: str, direct_url: str, settings: Settings) -> "PostgresServer":
    """Return the server of an address, whose connections carry the name of a move."""
    from trimtab.infra.storage.postgresql import PostgresServer

    return PostgresServer(
        _named(url),
        direct_url=_named(direct_url) if direct_url else "",
        pool_size=4,
        allow_unsafe=settings.service.allow_unsafe_database,
    )


def _named(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}application_name={quote(APPLICATION)}"


@contextmanager
def moving(server: "PostgresServer") -> Iterator[None]:
    """Hold the server's lock of moves, which ends with this process however it ends.

    Raises:
        RelocationRefused: Another move to or from there runs.
    """
    with server.direct() as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (MOVE_LOCK,)).fetchone()
        if not (row and row[0]):
            raise RelocationRefused(
                "Another move to or from this database is running.", hint="Wait until it has ended."
            )
        yield


def require_unused(server: "PostgresServer") -> None:
    """Refuse a database that trimtab processes are connected to.

    Raises:
        RelocationRefused: It says how many connections there are.
    """
    with server.direct() as connection:
        row = connection.execute(
            "SELECT count(*), min(client_addr::text) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND application_name LIKE 'trimtab%%' AND application_name <> %s",
            (APPLICATION,),
        ).fetchone()
    if row and row[0]:
        raise RelocationRefused(
            f"Processes of trimtab use this database: {row[0]} connections"
            f"{f', one from {row[1]}' if row[1] else ''}.",
            hint="Stop every process, then repeat the move.",
        )


def require_free(server: "PostgresServer", installation: str, folder: str) -> bool:
    """Refuse a database that holds something; return whether it has remains of an earlier move.

    Args:
        server: The target.
        installation: Id of the source.
        folder: Data directory of the source.

    Raises:
        RelocationRefused: It holds another installation, or schemas of another program.
    """
    with server.direct() as connection:
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", (list(_OURS),)
        ).fetchall()
        if not rows:
            return False
        if connection.execute("SELECT to_regclass('installation.installation')").fetchone() == (
            None,
        ):
            raise RelocationRefused(f"The database has a schema {rows[0][0]} already.", hint=_EMPTY)
        row = connection.execute(
            "SELECT id, state, moved_from FROM installation.installation"
        ).fetchone()
        used = connection.execute("SELECT EXISTS (SELECT FROM state.audit_events)").fetchone()
    known, state, came_from = row or ("", "", "")
    replaceable = {
        InstallationState.COPYING: True,
        # Of another installation it may be the truth already: paths repeat on other machines.
        InstallationState.PROVEN: known == installation and came_from == folder,
        InstallationState.MOVED: known == installation,
    }
    if replaceable.get(InstallationState(state), used == (False,)):
        return True
    raise RelocationRefused(
        f"The database holds an installation already ({state}, {known[:8]}).", hint=_EMPTY
    )


def clear(server: "PostgresServer") -> None:
    """Drop every schema of trimtab.

    Raises:
        Unavailable: The server cannot be reached.
    """
    with server.direct() as connection:
        try:
            for schema in _OURS:
                connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        except psycopg.Error as error:
            raise Unavailable(
                "The target could not be cleared.", hint="Repeat the move."
            ) from error


def size_bytes(server: "PostgresServer") -> int:
    """Return the size of all tables of trimtab, in bytes."""
    with server.direct() as connection:
        row = connection.execute(
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = ANY(%s) AND c.relkind = 'r'",
            (list(SCHEMAS),),
        ).fetchone()
    return int(row[0]) if row else 0
