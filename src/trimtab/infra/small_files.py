"""Replaces small files of the data directory, which several processes may share."""

from pathlib import Path
from secrets import token_hex


def replace_text(file: Path, text: str) -> None:
    """Write a text file whole or not at all; after an error the former one is there.

    Raises:
        OSError: It cannot be written.
    """
    partial = file.with_name(f".{file.name}.{token_hex(4)}.new")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
