"""Stores secrets with a checksum that repairs one changed byte.

A secret that does not match its checksum is never used.
"""

import logging
from collections.abc import Callable

from trimtab.infra.storage.directory import DataDirectory
from trimtab.infra.storage.sqlite.integrity.page_checksums import checksum_of, repaired_bytes
from trimtab.kernel.errors import Corrupt

_log = logging.getLogger(__name__)


def secret_of(
    directory: DataDirectory, name: str, make: Callable[[], bytes], *, without_it: str = ""
) -> bytes:
    """Return the secret of that name, created at first use.

    The file ``NAME.sum`` next to it holds its checksum.

    Args:
        directory: The data directory that holds it.
        name: The name of the file.
        make: Creates a new secret.
        without_it: What fails without this secret, for the error; empty when a new secret will do.

    Raises:
        Corrupt: The secret is missing or has more than one changed byte, and a new one will not do.
        SecretDiffers: Other processes on the same database use another one.
    """

    def obtain(may_make: bool) -> bytes | None:
        if not may_make and not directory.file(name).exists():
            return None
        return _read_or_make(directory, name, make, without_it)

    if directory.secrets is not None:
        return directory.secrets.confirm(name, obtain)
    return _read_or_make(directory, name, make, without_it)


def _read_or_make(
    directory: DataDirectory, name: str, make: Callable[[], bytes], without_it: str
) -> bytes:
    file, sum_name = directory.file(name), f"{name}.sum"
    noted = _noted(directory, sum_name)
    kept = file.read_bytes() if file.exists() else None
    if kept is None and noted is None:
        return _keep(directory, name, make())
    if kept is not None and (noted is None or _either_half_fits(kept, noted)):
        if noted != checksum_of(kept):
            directory.keep_secret(sum_name, _line(kept))
        return kept
    mended = repaired_bytes(kept, noted or 0) if kept else None
    if mended is not None:
        _log.error("ALERT: a changed byte in %s was repaired", name)
        return _keep(directory, name, mended)
    if not without_it:
        _log.error("ALERT: %s was damaged; a new one is created", name)
        return _keep(directory, name, make())
    raise Corrupt(
        f"{file} is {'missing' if kept is None else 'damaged: it does not match its checksum'}.",
        hint=f"Restore it from your own backup. {without_it} To start with a new one anyway, "
        f"delete {name} and {sum_name}.",
    )


def _noted(directory: DataDirectory, sum_name: str) -> int | None:
    file = directory.file(sum_name)
    if not file.exists():
        return None
    try:
        return int(file.read_text(encoding="ascii"), 16)
    except ValueError:
        _log.warning("%s was damaged; it is written again", sum_name)
        return None


def _either_half_fits(data: bytes, noted: int) -> bool:
    """Return whether either half of the checksum matches the data.

    When exactly one half matches, the checksum was changed and the data was not.
    """
    made = checksum_of(data)
    return made >> 32 == noted >> 32 or made & 0xFFFFFFFF == noted & 0xFFFFFFFF


def _keep(directory: DataDirectory, name: str, data: bytes) -> bytes:
    # The secret first: a secret without a checksum is accepted, a checksum without a secret is an
    # error.
    directory.keep_secret(name, data)
    directory.keep_secret(f"{name}.sum", _line(data))
    return data


def _line(data: bytes) -> bytes:
    return b"%016x\n" % checksum_of(data)
