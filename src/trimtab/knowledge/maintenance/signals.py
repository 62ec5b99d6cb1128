"""Signals of stored data: integrity, backups, disk, memory and CPU."""

import math
from collections.abc import Iterable

from trimtab.kernel.operable import Sample, Signal
from trimtab.knowledge.maintenance.service import Maintenance
from trimtab.knowledge.store.integrity import Damage


def signals(maintenance: Maintenance) -> Iterable[Signal]:
    """Yield every maintenance signal."""
    yield from _integrity(maintenance)
    yield from _loss(maintenance)
    yield from _disk(maintenance)
    yield from _disk_use(maintenance)
    yield from _memory(maintenance)


def _integrity(maintenance: Maintenance) -> Iterable[Signal]:
    yield Signal(
        "knowledge.database.integrity_ok",
        "1",
        "1 when the last check of the database found nothing wrong.",
        lambda: (Sample(float(maintenance.integrity.ok)),),
        metric="kb_database_integrity_ok",
    )
    yield Signal(
        "knowledge.database.damage",
        "1",
        "1 for the kind of damage that the last check found: index, or table.",
        lambda: tuple(
            Sample(float(maintenance.integrity.damage is kind), {"kind": kind.value})
            for kind in (Damage.INDEX, Damage.TABLE)
        ),
        labels=("kind",),
        metric="kb_database_damage",
    )
    yield Signal(
        "knowledge.backup.age",
        "seconds",
        "Age of the newest backup; absent when there is none.",
        lambda: (Sample(math.nan if (age := maintenance.backups.age_seconds()) is None else age),),
        metric="kb_backup_age_seconds",
    )


def _loss(maintenance: Maintenance) -> Iterable[Signal]:
    yield Signal(
        "knowledge.restore.lost_ratio",
        "ratio",
        "Share of the documents that the last restore lost; absent if unknown or never restored.",
        lambda: (Sample(maintenance.restored.lost_ratio if maintenance.restored else math.nan),),
        metric="kb_restore_lost_ratio",
    )


def _disk(maintenance: Maintenance) -> Iterable[Signal]:
    yield Signal(
        "knowledge.disk.free",
        "bytes",
        "Room left for the data directory: on its disk, or of its budget.",
        lambda: (Sample(float(maintenance.disk.disk().free_bytes)),),
        metric="kb_disk_free_bytes",
    )
    yield Signal(
        "knowledge.disk.floor",
        "bytes",
        "How much has to stay free: 5 GB, or a tenth of a smaller disk; 0 within a budget.",
        lambda: (Sample(maintenance.disk.floor_bytes()),),
        metric="kb_disk_floor_bytes",
    )
    yield Signal(
        "knowledge.disk.used_ratio",
        "ratio",
        "Share of the disk, or of the data directory's budget, that is in use.",
        lambda: (Sample(maintenance.disk.disk().used_ratio),),
        metric="kb_disk_used_ratio",
    )
    yield Signal(
        "knowledge.disk.freed",
        "bytes",
        "How much the last clean-up freed, measured on the file system; absent before the first.",
        lambda: (
            Sample(math.nan if maintenance.freed_bytes is None else float(maintenance.freed_bytes)),
        ),
        metric="kb_disk_freed_bytes",
    )


def _disk_use(maintenance: Maintenance) -> Iterable[Signal]:
    yield Signal(
        "knowledge.disk.budget",
        "bytes",
        "How much of its disk the data directory may use; 0 means all of it.",
        lambda: (Sample(float(maintenance.disk.budget_bytes)),),
        metric="kb_disk_budget_bytes",
    )
    yield Signal(
        "knowledge.disk.full_in",
        "seconds",
        "When the disk is full at the last day's pace; absent if it does not fill, or unknown.",
        lambda: (Sample(maintenance.disk.trend.full_in_seconds()),),
        metric="kb_disk_full_in_seconds",
    )
    yield Signal(
        "knowledge.disk.largest",
        "bytes",
        "Disk space of the largest entries of the data directory, at the last look.",
        lambda: tuple(
            Sample(float(size), {"entry": name}) for name, size in maintenance.disk.largest_entries
        ),
        labels=("entry",),
        metric="kb_disk_entry_bytes",
    )
    yield Signal(
        "knowledge.disk.reclaimable_ratio",
        "ratio",
        "Share of the disk space in use that a clean-up would free, by kind, at the last look.",
        lambda: tuple(
            Sample(share, {"kind": kind})
            for kind, share in maintenance.disk.reclaimable_ratios.items()
        ),
        labels=("kind",),
        metric="kb_disk_reclaimable_ratio",
    )


def _memory(maintenance: Maintenance) -> Iterable[Signal]:
    yield Signal(
        "knowledge.memory.used_ratio",
        "ratio",
        "Share of the memory allowed to this process that is in use.",
        lambda: (Sample(maintenance.memory.used_ratio()),),
        metric="kb_memory_used_ratio",
    )
    yield Signal(
        "knowledge.memory.resident",
        "MB",
        "Resident memory of this process.",
        lambda: (Sample(maintenance.memory.resident_mb()),),
        metric="kb_memory_resident_mb",
    )
    yield Signal(
        "knowledge.memory.growth",
        "MB/h",
        "Memory growth over the last 30 minutes: the median of its parts of five minutes; "
        "unknown in the first 45 minutes of the process.",
        lambda: (Sample(maintenance.memory.growth_mb_per_hour()),),
        metric="kb_memory_growth_mb_per_hour",
    )
    yield Signal(
        "knowledge.memory.parser",
        "MB",
        "Resident memory of the parser's process; 0 when none is running.",
        lambda: (Sample(maintenance.parser_mb()),),
        metric="kb_parser_resident_mb",
    )
    yield Signal(
        "knowledge.cpu.used_ratio",
        "ratio",
        "Median share of the machine's CPU that was in use over the last minute, by anybody.",
        lambda: (Sample(maintenance.processor.used_ratio()),),
        metric="kb_cpu_used_ratio",
    )
