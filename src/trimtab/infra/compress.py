"""Compresses log files on a disk that may be nearly or completely full."""

import errno
import gzip
import os
import shutil
from pathlib import Path

_BLOCK = 1 << 20
BLOCK_BYTES = 512
"""The unit of ``st_blocks``, whatever the block size of the file system is."""
MARGIN_BYTES = 1 << 20
"""This much stays free while a file is compressed, so that the service can go on writing."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


class NoRoom(OSError):
    """The compressed file does not fit into the free space; the log is as it was."""


def compress(log: Path) -> int:
    """Replace a log by its ``.gz``, dated like the log; return the disk space freed, in bytes.

    The compressed file never grows beyond the free space measured before it was begun, less a margin. Whatever
    happens, either the log or its whole compressed file is there, and no part of one.

    Raises:
        NoRoom: It does not fit.
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
    """Return a name for the compressed file that no earlier one has."""
    target, number = log.with_name(f"{log.name}.gz"), 1
    while target.exists():
        target, number = log.with_name(f"{log.name}.{number}.gz"), number + 1
    return target
