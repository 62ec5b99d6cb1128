"""Reads evidence files with size limits and clear errors."""

import shutil
from pathlib import Path

from trimtab.gates.errors import EvidenceUnreadable

MAX_BYTES = 256 * 1024 * 1024
"""Larger evidence is refused before it fills the memory; datasets are hashed in blocks and have no
limit.
"""


def read_evidence(path: Path) -> bytes:
    """Return the bytes of an evidence file.

    Raises:
        EvidenceUnreadable: It is not a regular file (a pipe would block forever), is larger than
        `MAX_BYTES`, or the
            operating system refuses to read it.
    """
    try:
        # Checked first, because opening a pipe without a writer never returns.
        if not path.is_file():
            raise EvidenceUnreadable(
                f"{path.name} is not a regular file.", hint="Put the evidence itself there."
            )
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise EvidenceUnreadable(
                f"{path.name} is too large to be judged ({size} bytes, at most {MAX_BYTES}).",
                hint="Split it, or leave out what the gates do not need.",
            )
        return path.read_bytes()
    except OSError as error:
        raise EvidenceUnreadable(
            f"{path.name} cannot be read: {error.strerror or error}.",
            hint="Check the path and the permissions (`trimtab gates permissions`).",
        ) from error


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in one step, so that a full disk or a kill leaves the former one whole."""
    if path.exists() and not path.is_file():  # Such as /dev/stdout.
        path.write_bytes(content)
        return
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.new")
    try:
        temporary.write_bytes(content)
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def read_text(path: Path) -> str:
    """Return a text file with invalid UTF-8 replaced; for searching only."""
    return read_evidence(path).decode("utf-8", errors="replace")
