"""All that a search in one project reads, in memory: its words and its vectors.

The store is the truth; this is a copy that can be thrown away at any time. Use it so::

    index = ProjectIndex(dimension=384)
    index.add([IndexedPassage(key, text, vector), ...])   # vector is None while it is queued
    index.remove([key, ...])
    index.save(file, version)                             # version: the store's index version
    index = ProjectIndex.load(file, version, vectors)     # IndexStale unless file has that version

Keys are the store's int64 row numbers. A row number that is used again for another text must be
removed first; ``add`` with a known key replaces it. ``difference`` tells what the store has and
the index has not, so a version can be reached by changes instead of a rebuild.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from trimtab.knowledge.embedding import Vectors
from trimtab.knowledge.errors import IndexStale
from trimtab.knowledge.index.keywords import KeywordIndex, Segment
from trimtab.knowledge.index.vectors import EXACT_LIMIT, Halves, Keys, VectorIndex
from trimtab.text.analysis import ANALYSIS_VERSION, analysed
from trimtab.text.languages import LANGUAGES

_FORMAT = 4
_MAGIC = b"trimtab-index\n"
_SEGMENT = tuple(entry.name for entry in fields(Segment))
_DIGEST_SIZE = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class IndexedPassage:
    """A passage as the index takes it in."""

    key: int
    text: str
    """What its words are taken from: its headings, its body and the name of its document."""
    vector: NDArray[np.float32] | None
    """Unit length, shape (dimension,); None while the model is down: it is found by words."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference between an index and its store; all keys ascending."""

    gone: Keys
    """In the index and no longer in the store."""
    missing: Keys
    """In the store and not in the index, or without its vector there."""


class ProjectIndex:
    """The keyword and vector index of one project.

    Args:
        dimension: The length of a vector.
        exact_limit: Up to how many passages vectors are scanned exactly.
    """

    def __init__(self, dimension: int, exact_limit: int = EXACT_LIMIT) -> None:
        _use_one_blas_thread()
        self.words = KeywordIndex(LANGUAGES)
        self.vectors = VectorIndex(dimension, exact_limit)

    def __len__(self) -> int:
        return len(self.words)

    def add(self, passages: Iterable[IndexedPassage]) -> None:
        """Take passages in, in place of those with the same keys.

        Many at once are much cheaper than one by one; 1,000 to 10,000 keep memory low.
        """
        batch = list({passage.key: passage for passage in passages}.values())
        self.words.add((passage.key, analysed(passage.text)) for passage in batch)
        keys = np.array([p.key for p in batch if p.vector is not None], np.int64)
        rows = [passage.vector for passage in batch if passage.vector is not None]
        if rows:
            self.vectors.add(keys, np.stack(rows).astype(np.float32))

    def remove(self, keys: Sequence[int]) -> None:
        """Take passages out; keys that are not there are left alone."""
        gone = np.array(keys, np.int64)
        self.vectors.remove(gone)
        self.words.remove(gone)

    def difference(self, keys: Keys, with_vector: Keys) -> Difference:
        """Compare with the store's keys, and those of them that have a vector there."""
        known = self.words.keys
        missing = np.concatenate(
            [np.setdiff1d(keys, known), np.setdiff1d(with_vector, self.vectors.keys)]
        )
        return Difference(gone=np.setdiff1d(known, keys), missing=np.unique(missing))

    def save(self, file: Path, version: int) -> None:
        """Write the index; the file is replaced whole or not at all.

        Vectors are left out, since the store has them. Nothing may change the index meanwhile if
        the file is to be of exactly that version.
        """
        payload = self._payload(version)
        partial = file.with_name(
            f".{file.name}.{token_hex(4)}.partial"
        )  # Others may share the folder.
        try:
            with partial.open("wb") as stream:
                stream.write(_MAGIC + hashlib.sha256(payload).digest() + payload)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(
        cls,
        file: Path,
        version: int,
        vectors: tuple[Keys, Halves | Vectors],
        exact_limit: int = EXACT_LIMIT,
    ) -> "ProjectIndex":
        """Read an index that ``save`` wrote.

        Args:
            file: Where it is.
            version: The store's index version.
            vectors: The store's, as keys (n,) and rows (n, dimension).
            exact_limit: As in the constructor.

        Raises:
            IndexStale: It is missing, damaged, of another version or of an older release. Build it
                again from the store.
        """
        keys, rows = vectors
        arrays = _arrays(file, version)
        index = cls(rows.shape[1], exact_limit)
        index.words.restore([Segment(*(arrays[name] for name in _SEGMENT))])
        index.vectors.restore(keys, rows, bytes(arrays["graph"]))
        return index

    @classmethod
    def words_of(cls, file: Path) -> KeywordIndex:
        """Return the keyword index of a saved file, of whatever version of the store it is.

        Raises:
            IndexStale: It is missing, damaged or of an older release.
        """
        arrays = _arrays(file, None)
        words = KeywordIndex(LANGUAGES)
        words.restore([Segment(*(arrays[name] for name in _SEGMENT))])
        return words

    def _payload(self, version: int) -> bytes:
        header = {"format": _FORMAT, "analysis": ANALYSIS_VERSION, "version": version}
        segment = self.words.segments()[0]
        return _archive(
            np.savez,
            header=_as_bytes(json.dumps(header).encode()),
            graph=_as_bytes(self.vectors.graph_bytes()),
            # Compressed postings shrink to a quarter; a graph by 40 %, but it slows a start.
            words=_as_bytes(
                _archive(np.savez_compressed, **{name: getattr(segment, name) for name in _SEGMENT})
            ),
        )


def _archive(write: Callable[..., None], **arrays: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    write(buffer, **arrays)
    return buffer.getvalue()


@cache
def _use_one_blas_thread() -> None:
    """Keep the process's matrix products on the caller's thread.

    A search multiplies too little to share: waking the other threads cost four times the product.
    """
    threadpool_limits(1, user_api="blas")


def _as_bytes(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)


def _arrays(file: Path, version: int | None) -> dict[str, NDArray[Any]]:
    """Return the arrays of an intact file of that version, or of any."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise IndexStale(f"The index {file.name} cannot be read: {error.strerror}.") from error
    start = len(_MAGIC) + _DIGEST_SIZE
    payload = memoryview(content)[start:]
    if content[:start] != _MAGIC + hashlib.sha256(payload).digest():
        raise IndexStale(f"The index {file.name} is damaged.")
    arrays = _unpacked(payload)
    header = json.loads(bytes(arrays["header"]))
    selected = header.get("version") if version is None else version
    expected = {"format": _FORMAT, "analysis": ANALYSIS_VERSION, "version": selected}
    if header != expected:
        raise IndexStale(f"The index {file.name} is of another version: {header['version']}.")
    return arrays | _unpacked(arrays["words"].data)


def _unpacked(archive: memoryview) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(archive), allow_pickle=False) as opened:
        return {name: opened[name] for name in opened.files}
