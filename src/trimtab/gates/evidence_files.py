"""Reads evidence files with bounds: what cannot be read is a refusal with its reason, never a traceback."""

from pathlib import Path

from trimtab.gates.errors import EvidenceUnreadable

MAX_BYTES = 256 * 1024 * 1024
"""Larger evidence is refused before it fills the memory; datasets are hashed in blocks and have no limit."""


def read_evidence(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        EvidenceUnreadable: It is no regular file (a pipe would block for ever), is larger than `MAX_BYTES`, or the
            operating system refuses to read it.
    """
    try:
        # Asked first, because opening a pipe that nobody writes to never returns.
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


def read_text(path: Path) -> str:
    """Return a text file with bytes that are not UTF-8 replaced; for texts whose content is only searched."""
    return read_evidence(path).decode("utf-8", errors="replace")
