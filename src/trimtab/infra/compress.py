"""Compresses log files on a disk that may be nearly or completely full."""

import errno
import gzip
import os
import shutil
from pathlib import Path

_BLOCK = 1 << 20
BLOCK_BYTES = 512
"""The unit of ``st_blocks``, independent of the file system's block size."""
MARGIN_BYTES = 1 << 20
"""Space that stays free during compression, so that the service can continue to write."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


class NoRoom(OSError):
    """The compressed file does not fit into the free space; the log is unchanged."""


def compress(log: Path) -> int:
    """Replace a log with its ``.gz`` file; return the freed bytes.

    The compressed file keeps the log's date, and never grows beyond the initial free space less a
    margin. At any time either the log or its complete compressed file exists.

    Raises:
        NoRoom: The compressed file does not fit.
        OSError: The log cannot be read.
    """
    status = log.stat()
    target = _unused(log)
    partial = target.with_name(f".{target.name}.partial")
    limit = shutil.disk_usage(log.parent).free - MARGIN_BYTES
    try:
        _pack(log, partial, limit)
        os.utime(partial, (status.st_atime, status.st_mtime))
        size = partial.stat().st_blocks * BLOCK_BYTES
        partial.replace(target)
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom(error.errno, f"no room to compress {log.name}") from error
        raise
    finally:
        partial.unlink(missing_ok=True)
    log.unlink()
    return status.st_blocks * BLOCK_BYTES - size


def _pack(log: Path, partial: Path, limit: int) -> None:
    handle = os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as raw:
        # Without a name and a date inside, the same log always gives the same bytes.
        with log.open("rb") as source, gzip.GzipFile("", "wb", 6, raw, 0) as packed:
            while block := source.read(_BLOCK):
                packed.write(block)
                packed.flush()
                if raw.tell() > limit:
                    raise NoRoom(errno.ENOSPC, f"no room to compress {log.name}")
        raw.flush()
        os.fsync(raw.fileno())


def _unused(log: Path) -> Path:
    """Return an unused name for the compressed file."""
    target, number = log.with_name(f"{log.name}.gz"), 1
    while target.exists():
        target, number = log.with_name(f"{log.name}.{number}.gz"), number + 1
    return target
