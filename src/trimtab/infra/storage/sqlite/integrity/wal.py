"""Checks and repairs SQLite's write-ahead log before SQLite opens it.

SQLite stops reading at the first frame whose checksum does not match and silently drops everything
after it: one changed byte in the log of a killed process loses acknowledged commits. So the log is
checked first. The checksum of a frame is linear in its words, so the difference gives the position
and former value of a single changed byte, which is then repaired. Format:
https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_HEADER = 32
_FRAME_HEADER = 24
_HEADER_FIELDS = struct.Struct(">8I")
"""Magic, version, page size, number of the log, two salts, two sums."""
_FRAME_FIELDS = struct.Struct(">6I")
"""Page, pages after the commit (0: no commit), two salts, two sums."""
_SUMS_LITTLE, _SUMS_BIG = 0x377F0682, 0x377F0683
_WORD = 0xFFFFFFFF

Sums = tuple[int, int]


@dataclass(frozen=True, slots=True)
class WalReport:
    """Result of checking the write-ahead log of a closed database."""

    repaired: int = 0
    """Number of bytes or fields that were repaired."""
    unreadable: int = 0
    """Number of commits after damage that could not be repaired; the last one may not have been
    acknowledged.
    """
    only_last: bool = False
    """True if the damage is in the newest commit, which a power cut may have interrupted."""


@dataclass(slots=True)
class _Frame:
    page: int
    commit: int
    salts: tuple[int, int]
    stored: Sums
    made: Sums
    """Checksums of the frame's words when the preceding checksums are zero."""


def wal_file(database: Path) -> Path:
    """Return the path of the database's write-ahead log."""
    return database.with_name(f"{database.name}-wal")


def repair_wal(database: Path, *, keep_pages: bool = False) -> WalReport:
    """Repair single changed bytes in the log of a closed database.

    Args:
        database: The database file; no connection to it may be open.
        keep_pages: Keep a page that cannot be repaired, and all pages after it, for a database
            whose rows have checksums of their own. Otherwise the log is left unchanged, and SQLite
            truncates it.
    """
    file = wal_file(database)
    if not file.exists() or file.stat().st_size <= _HEADER:
        return WalReport()
    data = bytearray(file.read_bytes())
    log = _Log(data)
    report = log.repair(keep_pages=keep_pages)
    if log.changed:
        partial = file.with_name(f"{file.name}.repaired")
        with partial.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    return report


def wal_pages(database: Path) -> dict[int, bytes]:
    """Return the newest committed pages in the log by number, from 1."""
    file = wal_file(database)
    if not file.exists() or file.stat().st_size <= _HEADER:
        return {}
    log = _Log(bytearray(file.read_bytes()))
    return log.pages() if log.header_fits() else {}


class _Log:
    """A write-ahead log in memory."""

    def __init__(self, data: bytearray) -> None:
        self.data = data
        self.changed = False
        self._read_header()

    def _read_header(self) -> None:
        fields: tuple[int, ...] = _HEADER_FIELDS.unpack_from(self.data)
        self.magic, self.page_size = fields[0], fields[2]
        self.salts, self.sums = (fields[4], fields[5]), (fields[6], fields[7])

    def header_fits(self) -> bool:
        if self.magic not in (_SUMS_LITTLE, _SUMS_BIG) or self.page_size not in _PAGE_SIZES:
            return False
        words = _words(bytes(self.data[:24]), self.magic)
        return bool(_summed(words)[0] == self.sums)

    def pages(self) -> dict[int, bytes]:
        """Return the pages that SQLite would read, by page number."""
        found: dict[int, bytes] = {}
        pending: dict[int, bytes] = {}
        before, steps = self.sums, self._steps
        for at, frame in enumerate(self._frames()):
            if frame.salts != self.salts or _chained(before, frame, steps) != frame.stored:
                break
            before = frame.stored
            start = self._offset(at) + _FRAME_HEADER
            pending[frame.page] = bytes(self.data[start : start + self.page_size])
            if frame.commit:
                found.update(pending)
                pending.clear()
        return found

    def repair(self, *, keep_pages: bool) -> WalReport:
        count = 0
        if not self.header_fits():
            if not self._repair_header():
                return WalReport(unreadable=1)
            count = 1
        frames = list(self._frames())
        end = self._end(frames)
        before = self.sums
        for at in range(end):
            frame = frames[at]
            expected = _chained(before, frame, self._steps)
            if frame.salts != self.salts or expected != frame.stored:
                if not self._repair_frame(at, frames[at:end], before):
                    left = sum(bool(found.commit) for found in frames[at:end])
                    if keep_pages and left > 1:
                        self._rewrite_checksums(frames[at:end], at, before)
                        return WalReport(count, left, only_last=False)
                    return WalReport(count, left, only_last=left <= 1)
                count += 1
            before = frame.stored
        return WalReport(count)

    @property
    def _steps(self) -> int:
        return (8 + self.page_size) // 8

    def _offset(self, frame: int) -> int:
        return _HEADER + frame * (_FRAME_HEADER + self.page_size)

    def _frames(self) -> Iterator[_Frame]:
        """Yield the complete frames; later ones may belong to an earlier log."""
        import numpy as np

        length = _FRAME_HEADER + self.page_size
        count = (len(self.data) - _HEADER) // length
        for first in range(0, count, 256):
            some = range(first, min(first + 256, count))
            rows = np.frombuffer(
                self.data, np.uint8, len(some) * length, self._offset(first)
            ).reshape(len(some), length)
            counted = np.concatenate([rows[:, :8], rows[:, _FRAME_HEADER:]], axis=1)
            made = _summed(_words(counted, self.magic))
            for row, sums in zip(some, made, strict=True):
                fields = _FRAME_FIELDS.unpack_from(self.data, self._offset(row))
                yield _Frame(fields[0], fields[1], fields[2:4], fields[4:6], sums)

    def _end(self, frames: list[_Frame]) -> int:
        """Return the number of frames up to the last commit of this log.

        Frames that SQLite cannot read are counted too. In a frame of an earlier log both salts
        differ; if only one salt differs, it has a changed byte.
        """
        mine = 0
        for at, frame in enumerate(frames):
            alike = sum(a == b for a, b in zip(frame.salts, self.salts, strict=True))
            if not alike:
                break
            if frame.commit:
                mine = at + 1
        return mine

    def _repair_header(self) -> bool:
        """Repair the header: try every value of every byte until the checksum matches."""
        whole = bytes(self.data[:_HEADER])
        found = []
        for at in range(_HEADER):
            for value in range(256):
                self.data[at] = value
                self._read_header()
                if value != whole[at] and self.header_fits():
                    found.append((at, value, self._begins()))
            self.data[at] = whole[at]
        found = [candidate for candidate in found if candidate[2]] or found
        if len(found) == 1:
            self.data[found[0][0]] = found[0][1]
            self.changed = True
        self._read_header()
        return len(found) == 1

    def _begins(self) -> bool:
        """Return whether the first frame continues from the header."""
        first = next(self._frames(), None)
        return first is not None and (
            first.salts == self.salts and _chained(self.sums, first, self._steps) == first.stored
        )

    def _repair_frame(self, at: int, frames: list[_Frame], before: Sums) -> bool:
        """Repair the first frame, number ``at`` in the log; return True on success."""
        frame, following = frames[0], frames[1] if len(frames) > 1 else None
        expected = _chained(before, frame, self._steps)
        if expected == frame.stored:
            self._set_fields(at, frame, salts=self.salts, sums=frame.stored)
            return True
        if following is not None and _chained(expected, following, self._steps) == following.stored:
            # The next frame continues from the computed checksums, so the stored ones were changed.
            self._set_fields(at, frame, salts=self.salts, sums=expected)
            return True
        candidates = _candidates(_minus(frame.stored, expected), self._steps, self.magic)
        if following is None and _one_byte_apart(frame.stored, expected):
            return False  # Checksum or last word changed? No later frame can decide.
        fitting = sorted(place for place in candidates if self._fits(at, *place))
        written_again = any(later.page == frame.page for later in frames[1:])
        # If a later frame rewrites the page, any of the candidates will do.
        if not fitting or (len(fitting) > 1 and not (written_again and fitting[0][0] >= 8)):
            return False
        place, change = fitting[0]
        offset = self._byte(at, place)
        self.data[offset] = (self.data[offset] + change) % 256
        self.changed = True
        frame.page, frame.commit = struct.unpack_from(">2I", self.data, self._offset(at))
        return True

    def _fits(self, at: int, place: int, change: int) -> bool:
        return 0 <= self.data[self._byte(at, place)] + change < 256

    def _byte(self, at: int, place: int) -> int:
        """Return a byte's file offset, skipping the frame's salts and checksums."""
        return self._offset(at) + place + (_FRAME_HEADER - 8 if place >= 8 else 0)

    def _rewrite_checksums(self, frames: list[_Frame], first: int, before: Sums) -> None:
        for at, frame in enumerate(frames, first):
            before = _chained(before, frame, self._steps)
            self._set_fields(at, frame, salts=self.salts, sums=before)

    def _set_fields(self, at: int, frame: _Frame, *, salts: Sums, sums: Sums) -> None:
        frame.salts, frame.stored = salts, sums
        _FRAME_FIELDS.pack_into(
            self.data, self._offset(at), frame.page, frame.commit, *salts, *sums
        )
        self.changed = True


_PAGE_SIZES = frozenset(1 << power for power in range(9, 17))


def _words(data: Any, magic: int) -> Any:
    import numpy as np

    order = ">u4" if magic == _SUMS_BIG else "<u4"
    rows = np.frombuffer(data, np.uint8)[None, :] if isinstance(data, bytes) else data
    return np.ascontiguousarray(rows).view(order).astype(np.uint32)


def _summed(words: Any) -> list[Sums]:
    """Return the two checksums of each row of words, starting from zero."""
    import numpy as np

    weights = _weights(words.shape[1] // 2)
    pairs = [(words * weight).sum(axis=1, dtype=np.uint32).tolist() for weight in weights]
    return list(zip(*pairs, strict=True))


@cache
def _weights(steps: int) -> tuple[Any, Any]:
    """Return the weight of each word in the two checksums.

    A step takes two words x and y: first += x + second; second += y + first. So x has weight (1, 1)
    and y (0, 1) after their step, and each later step turns (a, b) into (a + b, a + 2b).
    """
    import numpy as np

    first, second = np.zeros(2 * steps, np.uint32), np.zeros(2 * steps, np.uint32)
    x, y = (1, 1), (0, 1)
    for step in reversed(range(steps)):
        first[2 * step], second[2 * step] = x
        first[2 * step + 1], second[2 * step + 1] = y
        x, y = _stepped(x), _stepped(y)
    return first, second


@cache
def _advance(steps: int) -> tuple[Sums, Sums]:
    """Return the checksums (1, 0) and (0, 1) after steps over zeros."""
    first, second = (1, 0), (0, 1)
    for _ in range(steps):
        first, second = _stepped(first), _stepped(second)
    return first, second


def _stepped(sums: Sums) -> Sums:
    first, second = sums
    return (first + second) & _WORD, (first + 2 * second) & _WORD


def _chained(before: Sums, frame: _Frame, steps: int) -> Sums:
    first, second = _advance(steps)
    return (
        (before[0] * first[0] + before[1] * second[0] + frame.made[0]) & _WORD,
        (before[0] * first[1] + before[1] * second[1] + frame.made[1]) & _WORD,
    )


def _minus(left: Sums, right: Sums) -> Sums:
    return (left[0] - right[0]) & _WORD, (left[1] - right[1]) & _WORD


def _one_byte_apart(first: Sums, second: Sums) -> bool:
    """Return whether two stored pairs of checksums differ in a single byte."""
    left, right = struct.pack(">2I", *first), struct.pack(">2I", *second)
    return sum(a != b for a, b in zip(left, right, strict=True)) == 1


def _candidates(difference: Sums, steps: int, magic: int) -> Iterator[tuple[int, int]]:
    """Yield each byte position and the change of its value that matches the checksums."""
    import numpy as np

    first, second = _weights(steps)
    changes = np.array([change for change in range(-255, 256) if change], np.int64)
    for byte in range(4):
        shift = 8 * (3 - byte if magic == _SUMS_BIG else byte)
        by = ((changes << shift) & _WORD).astype(np.uint32)
        fits = (first[:, None] * by == difference[0]) & (second[:, None] * by == difference[1])
        for word, change in zip(*np.nonzero(fits), strict=True):
            yield 4 * int(word) + byte, int(changes[change])
