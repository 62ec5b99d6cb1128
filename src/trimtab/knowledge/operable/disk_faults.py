"""Faults of the disk: fills it.

On a small file system of its own, such as the one that `trimtab drills run` mounts, the data
directory is filled until the kernel reports that no space is left. On a shared disk, a budget
stands in for its size.
"""

import contextlib
import os
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Arguments, Fault, Param, Realism, Value
from trimtab.knowledge.maintenance.space import free_bytes
from trimtab.knowledge.service import Knowledge

_MB = 1024 * 1024
_KINDS = {
    "logs": "logs/drill.log.gz",
    "snapshots": "snapshots/drill",
    "temp": "temp/drill",
    "young": "temp/young-drill",
}
_OLD_DAYS = 40
_SMALL_BYTES = 2 * 1024**3
"""A file system of its own that is larger than this is not filled."""
_BUDGET_USE = 0.95
_NOT_OWN = (
    "the data directory has no small disk of its own, so a budget stands for the size of the disk"
)


def own_small_disk(folder: Path) -> bool:
    """Return whether the folder is the root of a file system small enough for a drill to fill."""
    if not folder.is_mount():
        return False
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize <= _SMALL_BYTES


def disk_faults(knowledge: Knowledge, clock: Clock) -> Iterable[Fault]:
    """Yield every fault of the disk."""
    disk = FullDisk(knowledge, clock)
    real = own_small_disk(knowledge.maintenance.folder)
    kind = Param("kind", "string", "What to fill it with.", "logs", choices=tuple(_KINDS))
    megabytes = Param(
        "megabytes", "integer", "MB to write when a budget stands for the disk.", 100, 1, 10_000
    )  # fmt: skip
    yield Fault(
        "knowledge.disk.fill",
        "Fill the data directory with old files of one kind, or young ones: a small disk of its "
        "own until no space is left, else 95 % of a budget.",
        disk.fill,
        disk.restore,
        params=(kind, megabytes),
        realism=Realism.REAL if real else Realism.SIMULATED,
        simulated_because="" if real else _NOT_OWN,
    )
    yield Fault(
        "knowledge.disk.outgrow_budget",
        "Give the data directory a budget, and fill it to 95 % with young files.",
        disk.outgrow_budget,
        disk.restore,
        params=(megabytes,),
        realism=Realism.SIMULATED,
        simulated_because="the budget is set by the drill, to what is in use",
    )


class FullDisk:
    """A data directory that is filled up, and what it takes to empty it."""

    def __init__(self, knowledge: Knowledge, clock: Clock) -> None:
        self._maintenance = knowledge.maintenance
        self._folder = knowledge.maintenance.folder
        self._clock = clock

    def fill(self, given: Arguments) -> Mapping[str, Value]:
        """Fill the disk, or the budget that stands for it."""
        kind = str(given["kind"])
        if own_small_disk(self._folder):
            # As much as fits: the kernel ends it with ENOSPC.
            self._write(kind, free_bytes(self._folder) + _MB)
            return {"budget": self._maintenance.disk.budget_bytes // _MB}
        self._write(kind, int(given["megabytes"]) * _MB)
        return {"budget": self._use_up_budget()}

    def outgrow_budget(self, given: Arguments) -> Mapping[str, Value]:
        """Fill a budget with what is needed."""
        self._write("young", int(given["megabytes"]) * _MB)
        return {"budget": self._use_up_budget()}

    def restore(self, before: Mapping[str, Value]) -> None:
        """Remove what was written, and set the budget as it was."""
        for name in _KINDS.values():
            (self._folder / name).unlink(missing_ok=True)
        self._maintenance.set_disk_budget(int(before["budget"]))

    def _write(self, kind: str, size: int) -> None:
        file = self._folder / _KINDS[kind]
        file.parent.mkdir(exist_ok=True)
        with file.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
            while stream.tell() < size:
                stream.write(os.urandom(_MB))
        days = 0 if kind == "young" else _OLD_DAYS
        stamp = (self._clock.now() - timedelta(days=days)).timestamp()
        os.utime(file, (stamp, stamp))

    def _use_up_budget(self) -> int:
        used = self._maintenance.disk.data_bytes()
        return self._maintenance.set_disk_budget(int(used / _BUDGET_USE) // _MB + 1)
