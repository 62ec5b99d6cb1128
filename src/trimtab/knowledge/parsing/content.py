"""A file's bytes as a stream: a large upload lies on disk and is never held whole in memory."""

import hashlib
import io
import os
from collections.abc import Iterator
from typing import IO

HEAD_BYTES = 65536
_BLOCK_BYTES = 1 << 20


class Content:
    """The bytes of a file, which can be read more than once; for one thread at a time.

    Args:
        data: Bytes, or a seekable stream open for reading in binary mode; the caller closes it.
    """

    def __init__(self, data: bytes | IO[bytes]) -> None:
        self.stream: IO[bytes] = io.BytesIO(data) if isinstance(data, bytes) else data
        self.size: int = self.stream.seek(0, os.SEEK_END)
        """In bytes."""

    def read(self, size: int = -1) -> bytes:
        """Return the first ``size`` bytes, or all."""
        self.stream.seek(0)
        return self.stream.read(size)

    def blocks(self) -> Iterator[bytes]:
        """Yield all bytes in order, about a megabyte at a time."""
        self.stream.seek(0)
        while block := self.stream.read(_BLOCK_BYTES):
            yield block

    def sha256(self) -> str:
        """Return the SHA-256 of the bytes as 64 hexadecimal digits."""
        self.stream.seek(0)
        return hashlib.file_digest(self.stream, "sha256").hexdigest()  # type: ignore[arg-type]
