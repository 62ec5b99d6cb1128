"""Dump of the Valkey or Redis server as ``redis_backup.rdb``, and its restore.

The keys are copied with DUMP and RESTORE between the server and a second one of the same kind,
which runs for that moment only and writes or reads the file. This works over the network, also
where the replication that ``redis-cli --rdb`` uses is not allowed, and it proves that a server can
load the file. trimtab's own keys stay out: counts are of a minute, and a cached answer could hold
words that were erased since.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from trimtab.infra.child_process import ChildProcess
from trimtab.infra.valkey.dump_copies import DATED, DumpCopies
from trimtab.infra.valkey.server import Valkey, ValkeyUnavailable
from trimtab.kernel.errors import Corrupt, Misconfigured, NotFound

if TYPE_CHECKING:
    from redis import Redis

FILE = "redis_backup.rdb"
BEFORE = "redis_before_restore.rdb"
"""What the server held before the last restore, for its undo."""
OWN = b"trimtab:"
"""Prefix of the keys that trimtab itself writes."""
_PAGE = 500
_START_SECONDS = 60.0
_CALL_SECONDS = 30.0
_PROGRAMS = ("valkey-server", "redis-server")


class ValkeyProgramMissing(Misconfigured):
    """No program can write or read a dump here."""

    code = "valkey.program_missing"


class ValkeyDumpUnknown(NotFound):
    """No dump of the Valkey server exists."""

    code = "valkey.dump_unknown"


class ValkeyDumpDamaged(Corrupt):
    """No server can load the dump."""

    code = "valkey.dump_damaged"


@dataclass(frozen=True, slots=True)
class KeysRestored:
    """Counts of a restore: keys written, and keys deleted because the dump has none of them."""

    written: int
    deleted: int


class ValkeyDumps:
    """Makes and restores the dump of a server.

    Args:
        valkey: The server.
        folder: Where the file is kept.
        programs: Folder of ``valkey-server`` or ``redis-server``; empty to look as a shell does.
        copies: Where each dump is copied to; None for nowhere.
    """

    def __init__(
        self, valkey: Valkey, folder: Path, programs: str = "", copies: DumpCopies | None = None
    ) -> None:
        self._valkey = valkey
        self._programs = programs
        self.folder = folder
        self.copies = copies

    @property
    def file(self) -> Path:
        """The newest dump."""
        return self.folder / FILE

    def age_seconds(self) -> float | None:
        """Return the age of the newest dump; None when there is none."""
        try:
            return _age(self.file.stat().st_mtime)
        except FileNotFoundError:
            return None

    def copy_age_seconds(self) -> float | None:
        """Return the age of the newest dump that this process copied; None when there is none."""
        made = None if self.copies is None else self.copies.made_at
        return None if made is None else _age(made)

    def take(self, name: str = FILE) -> int:
        """Write all keys but trimtab's own to the file; return how many there are.

        Each key is as it was at one moment, and the whole is not of a single one. The former file
        stays until the new one is complete and was read once.
        """
        program = self.program()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self.folder / f".{name}.{os.getpid()}"
        with TemporaryDirectory(prefix="trimtab-") as made:
            place = Path(made)
            with self._server(program, place) as scratch, self._live() as live:
                count = len(_copy(live, scratch))
                scratch.save()
            with self._server(program, place):
                pass  # It has loaded the file, whose checksum was right.
            try:
                shutil.copyfile(place / FILE, partial)
                partial.chmod(0o600)
                partial.replace(self.folder / name)
            finally:
                partial.unlink(missing_ok=True)
        return count

    def copy(self) -> bool:
        """Copy the newest dump; return False when no place for copies is configured.

        Raises:
            ObjectsUnavailable: The place does not answer.
        """
        if self.copies is None:
            return False
        self.copies.add(self.file)
        return True

    def compare(self, name: str = FILE) -> KeysRestored:
        """Return what a restore would write and delete."""
        with self._loaded(name) as scratch, self._live() as live:
            dumped = set(_names(scratch))
            return KeysRestored(len(dumped), len(set(_names(live)) - dumped))

    def restore(self, name: str = FILE) -> KeysRestored:
        """Let the server hold the keys of the dump and no other, except trimtab's own."""
        with self._loaded(name) as scratch, self._live() as live:
            written = _copy(scratch, live)
            surplus = [key for key in _names(live) if key not in written]
            for start in range(0, len(surplus), _PAGE):
                live.delete(*surplus[start : start + _PAGE])
            return KeysRestored(len(written), len(surplus))

    def program(self) -> str:
        """Return the path of the server's program; raises `ValkeyProgramMissing`."""
        for name in _PROGRAMS:
            if (found := shutil.which(name, path=self._programs or None)) is not None:
                return found
        raise ValkeyProgramMissing(
            "Neither valkey-server nor redis-server is installed, so no dump can be made or read.",
            hint="Install the server's package, in the server's version or newer, or set"
            " `service.valkey_programs` to its folder.",
        )

    @contextmanager
    def _loaded(self, name: str) -> Iterator[Redis]:
        """Yield a server of its own that has loaded the dump."""
        program = self.program()
        with TemporaryDirectory(prefix="trimtab-") as made:
            self._fetch(name, Path(made) / FILE)
            with self._server(program, Path(made)) as scratch:
                yield scratch

    def _fetch(self, name: str, target: Path) -> None:
        """Write a dump to a file, from the copies when the folder does not have it."""
        known = name in (FILE, BEFORE) or DATED.fullmatch(name)
        if known and (self.folder / name).is_file():
            shutil.copyfile(self.folder / name, target)
            return
        if known and self.copies is not None and self.copies.fetch(name, target):
            return
        copies = [] if self.copies is None else self.copies.dated()
        raise ValkeyDumpUnknown(
            f"The dump {name!r} does not exist.",
            hint=f"There are the copies {', '.join(copies)}."
            if copies
            else "`trimtab act service.valkey.backup` makes one; one of another machine goes to"
            " the folder of `service.valkey_backup_folder`.",
        )

    @contextmanager
    def _server(self, program: str, folder: Path) -> Iterator[Redis]:
        """Yield a server that listens on a socket of the folder, and has loaded its dump."""
        from redis import Redis

        database = self._database
        words = [
            *("--port", "0", "--unixsocket", str(folder / "socket"), "--unixsocketperm", "700"),
            *("--dir", str(folder), "--dbfilename", FILE, "--save", "", "--appendonly", "no"),
            *("--databases", str(database + 1)),
        ]
        with (folder / "log").open("wb") as log:
            child = ChildProcess([program, *words], stdout=log, stderr=log)
        client = Redis(unix_socket_path=str(folder / "socket"), db=database)
        try:
            _wait_until_loaded(client, child, folder / "log")
            yield client
        finally:
            client.close()
            child.kill()
            (folder / "socket").unlink(missing_ok=True)

    @contextmanager
    def _live(self) -> Iterator[Redis]:
        """Yield the client of the server; raises `ValkeyUnavailable`."""
        from redis import RedisError
        from redis.exceptions import ResponseError

        if not self._valkey.ping():
            raise ValkeyUnavailable("The Valkey server does not answer.")
        client = _patient(self._valkey.client)
        try:
            yield client
        except ResponseError as error:
            raise ValkeyUnavailable(
                f"The Valkey server refuses it: {error}.",
                hint="Allow DUMP, RESTORE, SCAN and DEL, and use programs of the server's version.",
            ) from error
        except (RedisError, OSError) as error:
            raise ValkeyUnavailable(f"The Valkey server stopped answering: {error}.") from error
        finally:
            client.close()

    @property
    def _database(self) -> int:
        return int(self._valkey.client.connection_pool.connection_kwargs.get("db") or 0)


def _patient(client: Redis) -> Redis:
    """Return another client of the server that waits longer: one key may be large."""
    from redis import ConnectionPool, Redis

    pool = client.connection_pool
    options = {**pool.connection_kwargs, "socket_timeout": _CALL_SECONDS}
    made = ConnectionPool(connection_class=pool.connection_class, **options)
    return Redis.from_pool(made)


def _names(server: Redis) -> Iterator[bytes]:
    found = server.scan_iter(count=_PAGE)
    return (key for key in found if not key.startswith(OWN))


def _copy(source: Redis, target: Redis) -> set[bytes]:
    """Copy all keys with the time that each has left; return their names."""
    copied: set[bytes] = set()
    for key in _names(source):
        left, body = source.pttl(key), source.dump(key)
        if body is None or left == 0 or key in copied:
            continue  # It has expired since, or the scan has met it twice.
        target.restore(key, max(0, left), body, replace=True)
        copied.add(key)
    return copied


def _wait_until_loaded(client: Redis, child: ChildProcess, log: Path) -> None:
    from redis import exceptions

    end = time.monotonic() + _START_SECONDS
    while child.process.poll() is None and time.monotonic() < end:
        try:
            client.ping()
        except (exceptions.BusyLoadingError, exceptions.ConnectionError):
            time.sleep(0.02)
            continue
        return
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    raise ValkeyDumpDamaged(
        f"No server can load the dump: {lines[-1] if lines else 'it says nothing'}",
        hint="The file is damaged or of a newer version; use an earlier one, or newer programs.",
    )


def _age(made: float) -> float:
    now = time.time()  # noqa: TID251 - compared with the time of a file.
    return max(0.0, now - made)
