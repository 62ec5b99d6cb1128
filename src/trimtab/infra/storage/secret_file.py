"""Secrets that are made once and kept: a changed byte is put right, and none is ever used that is not the one made."""

import logging
from collections.abc import Callable

from trimtab.infra.storage.directory import DataDirectory
from trimtab.infra.storage.sqlite.integrity.page_checksums import mended_bytes, sum_of
from trimtab.kernel.errors import Corrupt

_log = logging.getLogger(__name__)


def secret_of(
    directory: DataDirectory, name: str, make: Callable[[], bytes], *, without_it: str = ""
) -> bytes:
    """Return the secret of that name; it is made at first use. Beside it stands its checksum, ``NAME.sum``.

    Args:
        directory: Where it is kept.
        name: The file.
        make: Makes a new one.
        without_it: What cannot be done without it; empty when another one serves as well.

    Raises:
        Corrupt: It is damaged beyond a byte, or gone, and another one would not do.
    """
    file, sum_name = directory.file(name), f"{name}.sum"
    noted = _noted(directory, sum_name)
    kept = file.read_bytes() if file.exists() else None
    if kept is None and noted is None:
        return _keep(directory, name, make())
    if kept is not None and (noted is None or _either_half_fits(kept, noted)):
        if noted != sum_of(kept):
            directory.keep_secret(sum_name, _line(kept))
        return kept
    mended = mended_bytes(kept, noted or 0) if kept else None
    if mended is not None:
        _log.error("ALERT: a changed byte in %s was put right", name)
        return _keep(directory, name, mended)
    if not without_it:
        _log.error("ALERT: %s was damaged; it is made anew", name)
        return _keep(directory, name, make())
    raise Corrupt(
        f"{file} is {'missing' if kept is None else 'not as it was written'}.",
        hint=f"Put it back from your own backup. {without_it} To begin with a new one all the same, "
        f"delete {name} and {sum_name}.",
    )


def _noted(directory: DataDirectory, sum_name: str) -> int | None:
    file = directory.file(sum_name)
    if not file.exists():
        return None
    try:
        return int(file.read_text(encoding="ascii"), 16)
    except ValueError:
        _log.warning("%s was damaged; it is written anew", sum_name)
        return None


def _either_half_fits(data: bytes, noted: int) -> bool:
    """Return whether the data is as written; where only one half of the sum fits, the sum was changed."""
    made = sum_of(data)
    return made >> 32 == noted >> 32 or made & 0xFFFFFFFF == noted & 0xFFFFFFFF


def _keep(directory: DataDirectory, name: str, data: bytes) -> bytes:
    # The secret first: without a sum it is taken as it is, while a sum without it would say that it is gone.
    directory.keep_secret(name, data)
    directory.keep_secret(f"{name}.sum", _line(data))
    return data


def _line(data: bytes) -> bytes:
    return b"%016x\n" % sum_of(data)
