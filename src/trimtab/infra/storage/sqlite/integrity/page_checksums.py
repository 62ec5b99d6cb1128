"""A checksum for every page of a database, kept beside it: says at the start which page is not as it was written.

SQLite notices a torn page, not a changed byte inside a value. The sums are those of the file as it stands after a
checkpoint, and every checkpoint is ours: under the write lock the sums of the pages in the log are written first, then
the pages. So after a kill each page is either in the log, which has checksums of its own, or as its sum says.

A sum is a CRC-32 and an Adler-32. A single changed byte leaves a remainder of the first that tells where it is and
what it was, and the second confirms it: it is put right from the sums alone.
"""

import array
import logging
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trimtab.infra.storage.sqlite.integrity.wal import logged_pages
from trimtab.kernel.errors import Corrupt

_log = logging.getLogger(__name__)
_MAGIC = b"trimtab page sums 1\n"
_SUMS = "Q"
_HEAD = struct.Struct("<IIQ")
"""Page size, commits counted by the database, pages."""


@dataclass(frozen=True, slots=True)
class PageSums:
    """The sums of one database file."""

    page_size: int
    commits: int
    """``PRAGMA user_version`` when they were made: a file that has counted on was changed by another program."""
    sums: "array.array[int]"

    @classmethod
    def of(
        cls, database: Path, *, logged: dict[int, bytes], known: "PageSums | None"
    ) -> "PageSums":
        """Return the sums of a database once the pages in its log are written; nobody writes meanwhile.

        Args:
            database: The file.
            logged: The newest pages in its log.
            known: The sums before the log; without them the whole file is read.
        """
        sums = array.array(_SUMS, known.sums if known else ())
        first, size = _first_page(database, logged)
        pages = int.from_bytes(first[28:32], "big")
        if known is None:
            with database.open("rb") as stream:
                sums.extend(sum_of(page) for page in iter(lambda: stream.read(size), b""))
        sums.extend([0] * (pages - len(sums)))
        del sums[pages:]
        for number, page in logged.items():
            if number <= pages:
                sums[number - 1] = sum_of(page)
        return cls(size, int.from_bytes(first[60:64], "big"), sums)

    @classmethod
    def load(cls, database: Path) -> "PageSums | None":
        """Return the sums that are kept beside the database; None when there are none that can be relied on."""
        try:
            data = sums_file(database).read_bytes()
        except FileNotFoundError:
            return None
        body, check = data[:-4], data[-4:]
        if not body.startswith(_MAGIC) or zlib.crc32(body).to_bytes(4, "little") != check:
            _log.warning("%s was damaged; it is made anew", sums_file(database).name)
            sums_file(database).unlink()
            return None
        size, commits, _ = _HEAD.unpack_from(body, len(_MAGIC))
        return cls(size, commits, array.array(_SUMS, body[len(_MAGIC) + _HEAD.size :]))

    def save(self, database: Path) -> None:
        """Keep them beside the database, wholly or not at all."""
        body = _MAGIC + _HEAD.pack(self.page_size, self.commits, len(self.sums))
        body += self.sums.tobytes()
        file = sums_file(database)
        partial = file.with_name(f"{file.name}.new")
        with partial.open("wb") as stream:
            stream.write(body + zlib.crc32(body).to_bytes(4, "little"))
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)

    def mend(self, database: Path) -> int:
        """Put single changed bytes of a database that nobody has open right; return how many pages were mended.

        Raises:
            Corrupt: A page is damaged beyond that, or missing. Nothing was changed.
        """
        logged = logged_pages(database)
        found = dict(self._changed(database, logged))
        if not logged and self._moved_on(found):
            _log.warning(
                "%s was changed without its sums, by another program or on a full disk; they are made anew",
                database.name,
            )
            sums_file(database).unlink()
            return 0
        mended = {number: self._mended(number, page) for number, page in found.items()}
        for number, page in mended.items():
            if page is None:
                raise Corrupt(
                    f"Page {number} of {database} is not as it was written.",
                    hint=f"Put {database.name} back from your own backup of the data directory. Without one, or when "
                    f"you changed it yourself, delete {sums_file(database).name}: the page is then taken as it is.",
                )
        with database.open("r+b") as stream:
            for number, page in mended.items():
                stream.seek((number - 1) * self.page_size)
                stream.write(page or b"")
            stream.flush()
            os.fsync(stream.fileno())
        return len(mended)

    def _changed(self, database: Path, logged: dict[int, bytes]) -> Iterator[tuple[int, bytes]]:
        with database.open("rb") as stream:
            for number, expected in enumerate(self.sums, 1):
                page = stream.read(self.page_size)
                if sum_of(page) != expected and number not in logged:
                    yield number, page

    def _mended(self, number: int, page: bytes) -> bytes | None:
        whole = len(page) == self.page_size
        return mended_bytes(page, self.sums[number - 1]) if whole else None

    def _moved_on(self, found: dict[int, bytes]) -> bool:
        """Return whether the file was changed by commits that came after the sums, outside this release."""
        commits = int.from_bytes(found.get(1, b"")[60:64], "big")
        return len(found) > 1 and commits > self.commits


def sums_file(database: Path) -> Path:
    """Return where the sums of a database are kept."""
    return database.with_name(f"{database.name}-sums")


def sum_of(data: bytes) -> int:
    """Return the CRC-32 of the data, and above it the Adler-32."""
    return zlib.adler32(data) << 32 | zlib.crc32(data)


def _first_page(database: Path, logged: dict[int, bytes]) -> tuple[bytes, int]:
    with database.open("rb") as stream:
        head = stream.read(100)
    first = logged.get(1, head)
    size = int.from_bytes(first[16:18], "big")
    return first, 65536 if size == 1 else size


def mended_bytes(data: bytes, expected: int) -> bytes | None:
    """Return the data with the one byte put right that makes `sum_of` fit; None when no single byte does."""
    remainder = zlib.crc32(data) ^ (expected & 0xFFFFFFFF)
    for back, found in enumerate(_backwards(remainder, len(data))):
        if error := _REMAINDERS.get(found):
            at = len(data) - 1 - back
            mended = data[:at] + bytes([data[at] ^ error]) + data[at + 1 :]
            if sum_of(mended) == expected:
                return mended
    return None


def _table() -> list[int]:
    """Return what each byte, as the last one, adds to a CRC-32."""
    made = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
        made.append(value)
    return made


_TABLE = _table()
_REMAINDERS = {remainder: byte for byte, remainder in enumerate(_TABLE) if byte}
_BY_TOP = {remainder >> 24: (byte, remainder) for byte, remainder in enumerate(_TABLE)}


def _backwards(remainder: int, count: int) -> Iterator[int]:
    """Yield what the remainder was before the last byte, before the last two, and so on."""
    for _ in range(count):
        yield remainder
        byte, made = _BY_TOP[remainder >> 24]
        remainder = ((remainder ^ made) << 8 | byte) & 0xFFFFFFFF
