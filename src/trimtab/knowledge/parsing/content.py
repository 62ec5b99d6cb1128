"""A file's bytes as a stream: a large upload lies on disk and is never held whole in memory."""

import hashlib
import io
import os
from collections.abc import Iterator
from typing import IO

HEAD_BYTES = 65536
_BLOCK_BYTES = 1 << 20
_BLOCK_CHARACTERS = 8192


class Content:
    """The bytes of a file, which can be read more than once; for one thread at a time.

    Args:
        stream: Open for reading in binary mode and seekable; the caller closes it.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size: int = stream.seek(0, os.SEEK_END)
        """In bytes."""

    @classmethod
    def of(cls, data: "bytes | Content") -> "Content":
        """Return bytes as a content; a content is returned as it is."""
        return data if isinstance(data, Content) else cls(io.BytesIO(data))

    def stream(self) -> IO[bytes]:
        """Return the bytes as a stream at its beginning; the caller does not close it."""
        self._stream.seek(0)
        return self._stream

    def head(self) -> bytes:
        """Return the first 64 KB."""
        self._stream.seek(0)
        return self._stream.read(HEAD_BYTES)

    def blocks(self) -> Iterator[bytes]:
        """Yield all bytes in order, about a megabyte at a time."""
        self._stream.seek(0)
        while block := self._stream.read(_BLOCK_BYTES):
            yield block

    def characters(self, encoding: str) -> Iterator[str]:
        """Yield the text in blocks of 8,192 characters, with Unix line ends.

        Raises:
            UnicodeDecodeError: It is in another encoding.
        """
        self._stream.seek(0)
        reader = io.TextIOWrapper(self._stream, encoding)
        try:
            while block := reader.read(_BLOCK_CHARACTERS):
                yield block
        finally:
            reader.detach()

    def whole(self) -> bytes:
        """Return all bytes: for text, which becomes a string as a whole anyway."""
        self._stream.seek(0)
        return self._stream.read()

    def sha256(self) -> str:
        """Return the SHA-256 of the bytes as 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block)
        return digest.hexdigest()
