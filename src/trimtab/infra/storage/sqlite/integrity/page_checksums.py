"""Keeps a checksum per database page, and repairs single changed bytes.

SQLite detects a torn page, but not a changed byte inside a value. The checksums describe the file
after a checkpoint, and only the guard checkpoints: under the write lock it writes the checksums of
the logged pages first, then the pages. So after a kill each page is either in the log, which has
checksums of its own, or matches its checksum.

A checksum is a CRC-32 and an Adler-32. The CRC difference of a single changed byte gives its
position and its former value, and the Adler-32 confirms them, so the byte is repaired from the
checksums alone.
"""

import array
import logging
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trimtab.infra.storage.sqlite.integrity.wal import wal_pages
from trimtab.infra.storage.sqlite.raw_file import RawFile
from trimtab.kernel.errors import Corrupt

_log = logging.getLogger(__name__)
_MAGIC = b"trimtab page sums 1\n"
_SUMS = "Q"
_HEAD = struct.Struct("<IIQ")
"""Page size, commits counted by the database, pages."""


@dataclass(frozen=True, slots=True)
class PageChecksums:
    """The page checksums of one database file."""

    page_size: int
    commits: int
    """``PRAGMA user_version`` at that time; a higher value means that another program changed the
    file.
    """
    sums: "array.array[int]"

    @classmethod
    def of(
        cls, database: RawFile, *, logged: dict[int, bytes], known: "PageChecksums | None"
    ) -> "PageChecksums":
        """Return the checksums of a database with its logged pages applied.

        The caller holds the write lock.

        Args:
            database: The file.
            logged: The newest pages in the log, by page number.
            known: The checksums before the log; without them the whole file is read.
        """
        sums = array.array(_SUMS, known.sums if known else ())
        first, size = _first_page(database, logged)
        pages = int.from_bytes(first[28:32], "big")
        if known is None:
            sums.extend(map(checksum_of, database.blocks(size)))
        sums.extend([0] * (pages - len(sums)))
        del sums[pages:]
        for number, page in logged.items():
            if number <= pages:
                sums[number - 1] = checksum_of(page)
        return cls(size, int.from_bytes(first[60:64], "big"), sums)

    @classmethod
    def load(cls, database: Path) -> "PageChecksums | None":
        """Return the stored checksums, or None when they are missing or damaged."""
        try:
            data = checksums_file(database).read_bytes()
        except FileNotFoundError:
            return None
        body, check = data[:-4], data[-4:]
        if not body.startswith(_MAGIC) or zlib.crc32(body).to_bytes(4, "little") != check:
            _log.warning("%s was damaged; it is created again", checksums_file(database).name)
            checksums_file(database).unlink()
            return None
        size, commits, _ = _HEAD.unpack_from(body, len(_MAGIC))
        return cls(size, commits, array.array(_SUMS, body[len(_MAGIC) + _HEAD.size :]))

    def save(self, database: Path) -> None:
        """Write the checksums atomically to the file next to the database."""
        body = _MAGIC + _HEAD.pack(self.page_size, self.commits, len(self.sums))
        body += self.sums.tobytes()
        file = checksums_file(database)
        partial = file.with_name(f"{file.name}.new")
        with partial.open("wb") as stream:
            stream.write(body + zlib.crc32(body).to_bytes(4, "little"))
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)

    def repair(self, database: Path) -> int:
        """Repair single changed bytes of a closed database; return the number of pages repaired.

        Raises:
            Corrupt: A page is missing or has more than one changed byte. Nothing was written.
        """
        logged = wal_pages(database)
        found = dict(self._changed(database, logged))
        if not logged and self._moved_on(found):
            _log.warning(
                "%s was changed without its checksums, by another program or on a full disk; "
                "the checksums are created again",
                database.name,
            )
            checksums_file(database).unlink()
            return 0
        repaired = {number: self._repaired(number, page) for number, page in found.items()}
        for number, page in repaired.items():
            if page is None:
                raise Corrupt(
                    f"Page {number} of {database} does not match its checksum.",
                    hint=(
                        f"Restore {database.name} from your own backup of the data directory."
                        " Without one, or if you changed it yourself, delete"
                        f" {checksums_file(database).name}: the page is then accepted."
                    ),
                )
        with database.open("r+b") as stream:
            for number, page in repaired.items():
                stream.seek((number - 1) * self.page_size)
                stream.write(page or b"")
            stream.flush()
            os.fsync(stream.fileno())
        return len(repaired)

    def _changed(self, database: Path, logged: dict[int, bytes]) -> Iterator[tuple[int, bytes]]:
        with database.open("rb") as stream:
            for number, expected in enumerate(self.sums, 1):
                page = stream.read(self.page_size)
                if checksum_of(page) != expected and number not in logged:
                    yield number, page

    def _repaired(self, number: int, page: bytes) -> bytes | None:
        whole = len(page) == self.page_size
        return repaired_bytes(page, self.sums[number - 1]) if whole else None

    def _moved_on(self, found: dict[int, bytes]) -> bool:
        """Return whether later commits of another program changed the file."""
        commits = int.from_bytes(found.get(1, b"")[60:64], "big")
        return len(found) > 1 and commits > self.commits


def checksums_file(database: Path) -> Path:
    """Return the path of the checksums of a database."""
    return database.with_name(f"{database.name}-sums")


def checksum_of(data: bytes) -> int:
    """Return the Adler-32 (high half) and CRC-32 (low half) of the data."""
    return zlib.adler32(data) << 32 | zlib.crc32(data)


def _first_page(database: RawFile, logged: dict[int, bytes]) -> tuple[bytes, int]:
    first = logged.get(1) or database.at(0, 100)
    size = int.from_bytes(first[16:18], "big")
    return first, 65536 if size == 1 else size


def repaired_bytes(data: bytes, expected: int) -> bytes | None:
    """Return the data with one byte changed to match the checksum, or None."""
    remainder = zlib.crc32(data) ^ (expected & 0xFFFFFFFF)
    for back, found in enumerate(_backwards(remainder, len(data))):
        if error := _REMAINDERS.get(found):
            at = len(data) - 1 - back
            repaired = data[:at] + bytes([data[at] ^ error]) + data[at + 1 :]
            if checksum_of(repaired) == expected:
                return repaired
    return None


def _table() -> list[int]:
    """Return the CRC-32 lookup table of all byte values."""
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
    """Yield the remainder before the last byte, before the last two, and so on."""
    for _ in range(count):
        yield remainder
        byte, made = _BY_TOP[remainder >> 24]
        remainder = ((remainder ^ made) << 8 | byte) & 0xFFFFFFFF
