"""SQLite's write-ahead log, looked through before SQLite opens it.

At the first frame whose checksum does not fit, SQLite stops reading and drops everything behind it without a word:
one changed byte in a log that a killed process left makes acknowledged commits vanish. So the log is read first. The
checksum of a frame is linear in its words, so a single changed byte leaves a trace that says where it is and what it
was, and is put right. Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
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
class LogReport:
    """What was found in a log that was left over."""

    mended: int = 0
    """Bytes or fields that were put right."""
    unreadable: int = 0
    """Commits behind a damage that could not be put right; the last of them may never have been acknowledged."""
    only_last: bool = False
    """The damage is in the newest commit: it may be one that a power cut interrupted."""


@dataclass(slots=True)
class _Frame:
    page: int
    commit: int
    salts: tuple[int, int]
    stored: Sums
    made: Sums
    """What the words of the frame give when the sums before it are zero."""


def log_of(database: Path) -> Path:
    """Return the database's log."""
    return database.with_name(f"{database.name}-wal")


def mend_log(database: Path, *, keep_pages: bool = False) -> LogReport:
    """Put single changed bytes in a left-over log right, before anything opens the database.

    Args:
        database: Nobody has it open.
        keep_pages: Keep a page that cannot be put right, and what follows it, for a database that can tell for itself
            which of its rows are damaged. Otherwise the log is left as it is, for SQLite to cut off.
    """
    file = log_of(database)
    if not file.exists() or file.stat().st_size <= _HEADER:
        return LogReport()
    data = bytearray(file.read_bytes())
    log = _Log(data)
    report = log.mended(keep_pages=keep_pages)
    if log.changed:
        partial = file.with_name(f"{file.name}.mended")
        with partial.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    return report


def logged_pages(database: Path) -> dict[int, bytes]:
    """Return the newest committed image of each page in the log, by page number from 1."""
    file = log_of(database)
    if not file.exists() or file.stat().st_size <= _HEADER:
        return {}
    log = _Log(bytearray(file.read_bytes()))
    return log.pages() if log.header_fits() else {}


class _Log:
    """A log in memory."""

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
        """Return the pages that SQLite would read."""
        found: dict[int, bytes] = {}
        pending: dict[int, bytes] = {}
        before = self.sums
        for at, frame in enumerate(self._frames()):
            if frame.salts != self.salts or _chained(before, frame, self._steps) != frame.stored:
                break
            before = frame.stored
            start = self._offset(at) + _FRAME_HEADER
            pending[frame.page] = bytes(self.data[start : start + self.page_size])
            if frame.commit:
                found.update(pending)
                pending.clear()
        return found

    def mended(self, *, keep_pages: bool) -> LogReport:
        count = 0
        if not self.header_fits():
            if not self._mend_header():
                return LogReport(unreadable=1)
            count = 1
        frames = list(self._frames())
        end = self._end(frames)
        before = self.sums
        for at in range(end):
            frame = frames[at]
            expected = _chained(before, frame, self._steps)
            if frame.salts != self.salts or expected != frame.stored:
                if not self._mend_frame(at, frames[at:end], before):
                    left = sum(bool(found.commit) for found in frames[at:end])
                    if keep_pages and left > 1:
                        self._chain_anew(frames[at:end], at, before)
                        return LogReport(count, left, only_last=False)
                    return LogReport(count, left, only_last=left <= 1)
                count += 1
            before = frame.stored
        return LogReport(count)

    @property
    def _steps(self) -> int:
        return (8 + self.page_size) // 8

    def _offset(self, frame: int) -> int:
        return _HEADER + frame * (_FRAME_HEADER + self.page_size)

    def _frames(self) -> Iterator[_Frame]:
        """Yield every whole frame in the file; the later ones may belong to a former log."""
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
        """Return the number of frames up to the last commit of this log, whether or not SQLite could read it.

        A former log has two other salts; one of two that fits is a changed byte in the other.
        """
        mine = 0
        for at, frame in enumerate(frames):
            alike = sum(one == other for one, other in zip(frame.salts, self.salts, strict=True))
            if not alike:
                break
            if frame.commit:
                mine = at + 1
        return mine

    def _mend_header(self) -> bool:
        """Try every value of every byte: only the right one makes the checksum fit."""
        whole = bytes(self.data[:_HEADER])
        found = []
        for at in range(_HEADER):
            for value in range(256):
                self.data[at] = value
                self._read_header()
                if value != whole[at] and self.header_fits():
                    found.append((at, value, self._begins()))
            self.data[at] = whole[at]
        found = [one for one in found if one[2]] or found
        if len(found) == 1:
            self.data[found[0][0]] = found[0][1]
            self.changed = True
        self._read_header()
        return len(found) == 1

    def _begins(self) -> bool:
        """Return whether the first frame goes on from the header."""
        first = next(self._frames(), None)
        return first is not None and (
            first.salts == self.salts and _chained(self.sums, first, self._steps) == first.stored
        )

    def _mend_frame(self, at: int, frames: list[_Frame], before: Sums) -> bool:
        """Put the first of the frames, which is the log's frame number ``at``, right; return whether it could be."""
        frame, following = frames[0], frames[1] if len(frames) > 1 else None
        expected = _chained(before, frame, self._steps)
        if expected == frame.stored:
            self._set_fields(at, frame, salts=self.salts, sums=frame.stored)
            return True
        if following is not None and _chained(expected, following, self._steps) == following.stored:
            # The next frame goes on from what this one's words give: its stored sums were changed.
            self._set_fields(at, frame, salts=self.salts, sums=expected)
            return True
        places = _places(_minus(frame.stored, expected), self._steps, self.magic)
        if following is None and _one_byte_apart(frame.stored, expected):
            return False  # A changed sum, or a changed last word: nothing follows that could tell.
        fitting = sorted(place for place in places if self._fits(at, *place))
        written_again = any(later.page == frame.page for later in frames[1:])
        # Of a page that is written again later, it does not matter which byte it was.
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
        """Return where the byte stands in the file; the frame's salts and sums are not among its words."""
        return self._offset(at) + place + (_FRAME_HEADER - 8 if place >= 8 else 0)

    def _chain_anew(self, frames: list[_Frame], first: int, before: Sums) -> None:
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
    """Return the two sums of each row of words, begun at zero."""
    import numpy as np

    weights = _weights(words.shape[1] // 2)
    pairs = [(words * weight).sum(axis=1, dtype=np.uint32).tolist() for weight in weights]
    return list(zip(*pairs, strict=True))


@cache
def _weights(steps: int) -> tuple[Any, Any]:
    """Return how much each word counts in the two sums.

    A step takes two words x and y: first += x + second; second += y + first. So x counts (1, 1) and y (0, 1) after
    their step, and each later step turns (a, b) into (a + b, a + 2b).
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
def _steps_on(steps: int) -> tuple[Sums, Sums]:
    """Return what the sums (1, 0) and (0, 1) become after so many steps over zeros."""
    one, other = (1, 0), (0, 1)
    for _ in range(steps):
        one, other = _stepped(one), _stepped(other)
    return one, other


def _stepped(sums: Sums) -> Sums:
    first, second = sums
    return (first + second) & _WORD, (first + 2 * second) & _WORD


def _chained(before: Sums, frame: _Frame, steps: int) -> Sums:
    one, other = _steps_on(steps)
    return (
        (before[0] * one[0] + before[1] * other[0] + frame.made[0]) & _WORD,
        (before[0] * one[1] + before[1] * other[1] + frame.made[1]) & _WORD,
    )


def _minus(one: Sums, other: Sums) -> Sums:
    return (one[0] - other[0]) & _WORD, (one[1] - other[1]) & _WORD


def _one_byte_apart(one: Sums, other: Sums) -> bool:
    """Return whether two pairs of sums, as they are stored, differ in a single byte."""
    left, right = struct.pack(">2I", *one), struct.pack(">2I", *other)
    return sum(a != b for a, b in zip(left, right, strict=True)) == 1


def _places(difference: Sums, steps: int, magic: int) -> Iterator[tuple[int, int]]:
    """Yield each byte, and what to add to it, that would make the sums fit."""
    import numpy as np

    first, second = _weights(steps)
    changes = np.array([change for change in range(-255, 256) if change], np.int64)
    for byte in range(4):
        shift = 8 * (3 - byte if magic == _SUMS_BIG else byte)
        by = ((changes << shift) & _WORD).astype(np.uint32)
        fits = (first[:, None] * by == difference[0]) & (second[:, None] * by == difference[1])
        for word, change in zip(*np.nonzero(fits), strict=True):
            yield 4 * int(word) + byte, int(changes[change])
