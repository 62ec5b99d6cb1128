"""Dated dumps of the database, and their restore next to the live one.

A dump is in pg_dump's custom format: compressed, checked when it is listed, and read by
``pg_restore -d DATABASE latest_backup.sql`` as the operations document writes it.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from trimtab.infra.objects import Objects
from trimtab.infra.settings.sections.postgresql import PostgresqlSettings
from trimtab.postgresql.errors import (
    PostgresConflict,
    PostgresNotConfigured,
    PostgresRefused,
    PostgresUnavailable,
    PostgresUnknown,
)
from trimtab.postgresql.server import Row, WatchedServer

LATEST = "latest_backup.sql"
_DATED = re.compile(r"backup_\d{4}_\d{2}_\d{2}\.sql")
_EXISTS = "SELECT 1 FROM pg_database WHERE datname = %s"
_TABLES = """
SELECT format('%%I.%%I', n.nspname, c.relname) AS table_name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %s AND c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%%' ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Dump:
    """One dated dump."""

    name: str
    bytes: int
    age_seconds: float


class PostgresBackups:
    """Makes and restores dumps with the programs of PostgreSQL.

    Args:
        server: The server whose database is dumped.
        folder: Where the dumps are kept.
        copies: Where each dump is copied to; None for nowhere.
    """

    def __init__(self, server: WatchedServer, folder: Path, copies: Objects | None = None) -> None:
        self.server = server
        self.copies = copies
        self.settings: PostgresqlSettings = server.settings
        self.folder = folder

    @property
    def database(self) -> str:
        """Return the name of the live database."""
        return str(self.server.query("SELECT current_database() AS name")[0]["name"])

    def dumps(self) -> list[Dump]:
        """Return the dated dumps, the newest first."""
        now = time.time()  # noqa: TID251 - compared with the times of files.
        found = [file for file in self.folder.glob("backup_*.sql") if _DATED.fullmatch(file.name)]
        return [
            Dump(file.name, file.stat().st_size, max(0.0, now - file.stat().st_mtime))
            for file in sorted(found, reverse=True)
        ]

    def take(self, day: datetime) -> Path:
        """Dump the database under the day's name, check it, and let `latest_backup.sql` be it.

        A second dump of a day replaces the first when it is complete.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self.folder / f"backup_{day:%Y_%m_%d}.sql"
        partial = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            self._run("pg_dump", "--format=custom", "--no-owner", f"--file={partial}")
            self._run("pg_restore", "--list", str(partial), local=True)
            partial.chmod(0o600)
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
        latest = self.folder / f".{LATEST}.{os.getpid()}"
        latest.unlink(missing_ok=True)
        os.link(file, latest)
        latest.replace(self.folder / LATEST)
        return file

    def copy(self, name: str) -> bool:
        """Copy a dump to where copies are kept; return False when there is no such place.

        Raises:
            ObjectsUnavailable: The place does not answer.
        """
        if self.copies is None:
            return False
        self.copies.put_file(name, self.folder / name)
        self.copies.put_file(LATEST, self.folder / LATEST)
        return True

    def copied(self) -> list[str]:
        """Return the names of the dated copies, the newest first; raises `ObjectsUnavailable`."""
        names = () if self.copies is None else self.copies.names()
        return sorted(filter(_DATED.fullmatch, names), reverse=True)

    def prune(self, keep: int) -> list[str]:
        """Delete all dated dumps but the newest; return the names of those that were deleted.

        Copies are kept in the same number.
        """
        old = [dump.name for dump in self.dumps()[keep:]]
        for name in old:
            (self.folder / name).unlink()
        for name in self.copied()[keep:]:
            assert self.copies is not None  # noqa: S101 - only its names are listed.
            self.copies.delete(name)
        return old

    def find(self, name: str) -> Path:
        """Return the dump of that name, from the copies when the folder has lost it.

        Raises:
            PostgresUnknown: It is in neither; the hint names those that exist.
        """
        file, named = self.folder / name, name == LATEST or bool(_DATED.fullmatch(name))
        if named and file.is_file():
            return file
        copies = frozenset[str]() if self.copies is None else self.copies.names()
        if named and self.copies is not None and name in copies:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial = file.with_name(f".{name}.{os.getpid()}")
            try:
                self.copies.get_file(name, partial)
                partial.chmod(0o600)
                partial.replace(file)
            finally:
                partial.unlink(missing_ok=True)
            return file
        there = {dump.name for dump in self.dumps()} | set(filter(_DATED.fullmatch, copies))
        known = ", ".join(sorted(there, reverse=True)[:7]) or "none"
        raise PostgresUnknown(f"There is no backup {name!r}.", hint=f"There are: {known}.")

    def restore_beside(self, name: str) -> None:
        """Restore a dump as the recovery database, which must not exist yet."""
        file, target = self.find(name), self.settings.recovery_database
        self.check_absent(target)
        with self.server.session() as connection:
            connection.execute(f"CREATE DATABASE {quote(target)} TEMPLATE template0".encode())
        try:
            words = ("--no-owner", "--exit-on-error", "--single-transaction", str(file))
            self._run("pg_restore", *words, database=target)
        except Exception:
            self.drop(target)
            raise

    def check_absent(self, database: str) -> None:
        """Raise `PostgresConflict` if the database exists."""
        if self.exists(database):
            raise PostgresConflict(
                f"The database {database} exists already.",
                hint="Drop it with `trimtab act postgresql.drop_recovery`, then repeat.",
            )

    def exists(self, database: str) -> bool:
        """Return whether the database exists."""
        return bool(self.server.query(_EXISTS, (database,)))

    def drop(self, database: str) -> None:
        """Drop a database that is not the live one, and end its sessions."""
        if database == self.database:
            raise PostgresConflict(f"{database} is the live database.")
        with self.server.session() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {quote(database)} WITH (FORCE)".encode())

    def measure(self, database: str, table: str) -> Row:
        """Return size of a database, and how many rows its tables of a name have."""
        if not self.exists(database):
            raise PostgresUnknown(f"There is no database {database!r}.")
        with self.server.session(database=database) as connection:
            size = connection.execute("SELECT pg_database_size(current_database()) AS n").fetchone()
            tables = connection.execute(_TABLES, (table,)).fetchall()
            counts = {}
            for row in tables:
                sql = f"SELECT count(*) AS n FROM {row['table_name']}"  # noqa: S608 - quoted by the server.
                found = connection.execute(sql.encode()).fetchone()
                counts[row["table_name"]] = found["n"] if found else 0
        return {"database": database, "bytes": size["n"] if size else 0, "rows": counts}

    def switch(self, live: str, recovered: str, replaced: str) -> None:
        """Give the live name to the database next to it, and another name to the live one."""
        from psycopg.errors import Error

        self.check_absent(replaced)
        with self.server.session(database="postgres" if live != "postgres" else "template1") as at:
            for name in (live, recovered):
                at.execute(f"ALTER DATABASE {quote(name)} ALLOW_CONNECTIONS false".encode())
            try:
                at.execute(_END_SESSIONS, ([live, recovered],))
                at.execute(f"ALTER DATABASE {quote(live)} RENAME TO {quote(replaced)}".encode())
                try:
                    at.execute(
                        f"ALTER DATABASE {quote(recovered)} RENAME TO {quote(live)}".encode()
                    )
                except Error:
                    at.execute(f"ALTER DATABASE {quote(replaced)} RENAME TO {quote(live)}".encode())
                    raise
            finally:
                self.server.close()
                for row in at.execute(_LOCKED).fetchall():
                    if row["name"] in {live, recovered, replaced}:
                        name = quote(row["name"])
                        at.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())

    def _run(self, program: str, *words: str, database: str = "", local: bool = False) -> None:
        path = self._program(program)
        with TemporaryDirectory() as folder:
            address = () if local else self._address(database, Path(folder))
            done = subprocess.run(  # noqa: S603 - a program of PostgreSQL, without a shell.
                [path, *address, *words],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=self.settings.backup_seconds,
                check=False,
            )
        if done.returncode == 0:
            return
        text = done.stderr.decode(errors="replace").strip()[-400:]
        if "server version mismatch" in text:
            raise PostgresNotConfigured(
                f"{program} is older than the server: {text}",
                hint="Install the server's version of postgresql-client, or set"
                " `postgresql.programs` to its folder.",
            )
        kind = PostgresUnavailable if "connection to server" in text else PostgresRefused
        raise kind(f"{program} failed: {text}")

    def _program(self, name: str) -> str:
        path = shutil.which(name, path=self.settings.programs or None)
        if path is None:
            raise PostgresNotConfigured(
                f"The program {name} is not installed, so no backup can be made or restored.",
                hint="Install the package postgresql-client of the server's version, or set"
                " `postgresql.programs` to the folder of its programs.",
            )
        return path

    def _address(self, database: str, folder: Path) -> Sequence[str]:
        """Return the address for a command line, on which the password must not stand."""
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        given = {key: value for key, value in conninfo_to_dict(self.server.url).items() if value}
        secret = str(given.pop("password", ""))
        if database:
            given["dbname"] = database
        if secret:
            escaped = secret.replace("\\", "\\\\").replace(":", "\\:")
            file = folder / "passwords"
            file.touch(mode=0o600)
            file.write_text(f"*:*:*:*:{escaped}\n", encoding="utf-8")
            given["passfile"] = str(file)
        return [f"--dbname={make_conninfo(**given)}"]  # type: ignore[arg-type]


_END_SESSIONS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = ANY(%s) AND pid <> pg_backend_pid()
"""
_LOCKED = "SELECT datname AS name FROM pg_database WHERE NOT datallowconn"


def quote(name: str) -> str:
    """Return a name as an SQL identifier."""
    from psycopg import sql

    return sql.Identifier(name).as_string()
