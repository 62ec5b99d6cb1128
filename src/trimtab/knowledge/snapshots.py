"""Takes and restores daily snapshots of the search indexes.

An index can always be built again from the store; a snapshot saves that time. The next search adds
later changes from the store, so a restored snapshot never returns deleted passages.
"""

import io
import re
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex

import numpy as np

from trimtab.infra.storage import translate_errors
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Corrupt, StorageFull
from trimtab.knowledge.errors import IndexStale, SnapshotUnknown
from trimtab.knowledge.index import ProjectIndex
from trimtab.knowledge.indexes import Indexes
from trimtab.knowledge.maintenance.cleanup import Cleanup
from trimtab.knowledge.store import SearchStore
from trimtab.knowledge.store.database import sync_folder

_NAME = re.compile(r"daily_\d{8}\.tar")
_MEMBER = re.compile(r"(\d{1,18})\.(index|ids\.npy)")


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """A snapshot file."""

    path: Path
    size_bytes: int


class Snapshots:
    """Takes and restores ``snapshots/daily_%Y%m%d.tar``.

    Args:
        indexes: What is saved.
        store: Tells which passages an index holds.
        folders: Where snapshots are kept, and where the indexes' files are.
        disk: Its floors and ages hold for snapshots too.
        clock: Dates them.
    """

    def __init__(
        self,
        indexes: Indexes,
        store: SearchStore,
        folders: tuple[Path, Path],
        disk: Cleanup,
        clock: Clock,
    ) -> None:
        self._indexes = indexes
        self._store = store
        self.folder, self._saved = folders
        self._disk = disk
        self._clock = clock

    def take(self) -> IndexSnapshot:
        """Save every index, copy the files into today's snapshot, and remove expired snapshots.

        Raises:
            StorageFull: It would leave the disk with less than its floor; nothing was written.
        """
        self._indexes.save(rest_seconds=0)
        files = sorted(self._saved.glob("*.index"))
        needed = sum(file.stat().st_size for file in files) * 2
        if shutil.disk_usage(self._saved).free - needed < self._disk.floor_bytes():
            raise StorageFull("There is no space for a snapshot of the indexes: none was taken.")
        self.folder.mkdir(mode=0o700, exist_ok=True)
        target = self.folder / f"daily_{self._clock.now():%Y%m%d}.tar"
        partial = target.with_name(f".{target.name}.{token_hex(4)}.partial")
        try:
            with translate_errors(target):
                self._write(partial, files)
                partial.replace(target)
                sync_folder(self.folder)
        finally:
            partial.unlink(missing_ok=True)
        self._disk.remove_old_snapshots()
        return IndexSnapshot(target, target.stat().st_size)

    def list(self) -> tuple[IndexSnapshot, ...]:
        """Return the snapshots, the newest first."""
        found = sorted(self.folder.glob("daily_*.tar"), reverse=True)
        return tuple(
            IndexSnapshot(path, path.stat().st_size) for path in found if _NAME.fullmatch(path.name)
        )

    def age(self) -> timedelta | None:
        """Return how long ago the newest was taken; None when there is none."""
        newest = next(iter(self.list()), None)
        if newest is None:
            return None
        now = self._clock.now()
        return now - datetime.fromtimestamp(newest.path.stat().st_mtime, now.tzinfo)

    def restore(self, name: str = "") -> tuple[str, int]:
        """Use the indexes of a snapshot, by default the newest; return its name and project count.

        Raises:
            SnapshotUnknown: There is no such snapshot.
            Corrupt: It cannot be read; the indexes are as they were.
        """
        snapshot = next(
            (snapshot for snapshot in self.list() if name in ("", snapshot.path.name)), None
        )
        if snapshot is None:
            raise SnapshotUnknown(f"There is no index snapshot {name or 'yet'}.")
        try:
            with tarfile.open(snapshot.path) as tar:
                members = {
                    member.name: member
                    for member in tar
                    if member.isreg() and _MEMBER.fullmatch(member.name)
                }
                keys = [
                    int(snapshot.partition(".")[0])
                    for snapshot in members
                    if snapshot.endswith(".index")
                ]
                restored = sum(self._adopt(tar, members, key) for key in keys)
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise Corrupt(
                f"The snapshot {snapshot.path.name} cannot be read: {error}.",
                hint="Restore another one, or rebuild all: `trimtab act knowledge.index.restart`.",
            ) from error
        return snapshot.path.name, restored

    def _write(self, partial: Path, files: Sequence[Path]) -> None:
        with tarfile.open(partial, "w") as tar:
            for file in files:
                key = int(file.stem)
                identities = self._store.identities(key)
                tar.add(file, arcname=file.name)
                buffer = io.BytesIO()
                np.save(buffer, identities, allow_pickle=False)
                entry = tarfile.TarInfo(f"{key}.ids.npy")
                entry.size = buffer.tell()
                buffer.seek(0)
                tar.addfile(entry, buffer)

    def _adopt(self, tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], key: int) -> bool:
        """Use one project's index of the snapshot; return False when it is outdated."""
        ids = members.get(f"{key}.ids.npy")
        if ids is None or not len(now := self._store.identities(key)):
            return False
        then = np.load(io.BytesIO(_content(tar, ids)), allow_pickle=False)
        extracted = self._saved / f".{key}.restoring"
        try:
            extracted.write_bytes(_content(tar, members[f"{key}.index"]))
            words = ProjectIndex.words_of(extracted)
        except IndexStale:
            return False
        finally:
            extracted.unlink(missing_ok=True)
        # A row number means the same passage only while its id is the same.
        same = {tuple(row) for row in now.tolist()} & {tuple(row) for row in then.tolist()}
        kept = np.array(sorted(row[0] for row in same), np.int64)
        words.remove(np.setdiff1d(words.keys, kept))
        self._indexes.adopt(key, words)
        return True


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(member)
    if stream is None:
        raise ValueError(f"{member.name} is not a file")
    return stream.read()
