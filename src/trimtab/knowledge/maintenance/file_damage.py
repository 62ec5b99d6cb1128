"""Overwrites bytes of files from another process, as a bad disk does; for drills."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

_WRITER = """
import sys
name, offset = sys.argv[1], int(sys.argv[2])
with open(name, "r+b") as file:
    file.seek(offset)
    file.write(sys.stdin.buffer.read())
"""


def overwrite(file: Path, offset: int, data: bytes) -> None:
    """Overwrite bytes of a file from another process; the file keeps its length and its inode."""
    command = [sys.executable, "-I", "-S", "-c", _WRITER, str(file), str(offset)]
    subprocess.run(command, input=data, check=True, timeout=60)  # noqa: S603


def overwrite_pages(file: Path, page_bytes: int, pages: Iterable[tuple[int, bytes]]) -> None:
    """Overwrite whole pages of a database file; their numbers begin at 1."""
    for number, content in pages:
        overwrite(file, (number - 1) * page_bytes, content)
