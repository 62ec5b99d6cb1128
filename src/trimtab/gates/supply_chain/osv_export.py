"""Converts an OSV export to an advisory snapshot, offline."""

import gzip
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from trimtab.gates.errors import EvidenceMissing, EvidenceUnreadable
from trimtab.gates.evidence_files import MAX_BYTES, read_evidence
from trimtab.gates.supply_chain.audit import Snapshot

MAX_RECORD_BYTES = 8 * 1024 * 1024
MAX_RECORDS = 500_000
_KEPT = ("id", "modified", "published", "withdrawn", "aliases", "summary", "affected", "severity")
"""Fields that the audit reads; the others would make the snapshot ten times as large."""


def refresh(export: Path, target: Path) -> Snapshot:
    """Write the snapshot of an export atomically and return it.

    Args:
        export: ``all.zip`` of osv.dev's PyPI export, its unpacked folder, or a JSON or JSON Lines
            file.
        target: The snapshot file; gzipped if its name ends in ``.gz``.

    Raises:
        EvidenceMissing: The export does not exist, or has no advisory about a Python package.
        EvidenceUnreadable: A record is not an OSV record, or the export is too large.
    """
    if not export.exists():
        raise EvidenceMissing(
            f"There is no export {export.name}.",
            hint="Give all.zip of osv.dev's PyPI export, or its folder.",
        )
    records: dict[str, Mapping[str, Any]] = {}
    for name, raw in _read_documents(export):
        record = _record(name, raw)
        if record is not None:
            records[str(record["id"])] = record
        if len(records) > MAX_RECORDS:
            raise EvidenceUnreadable(f"{export.name} holds more than {MAX_RECORDS} advisories.")
    if not records:
        raise EvidenceMissing(
            f"{export.name} holds no advisory about a Python package.",
            hint="The export of the ecosystem PyPI is needed.",
        )
    lines = b"".join(orjson.dumps(records[key]) + b"\n" for key in sorted(records))
    temporary = target.with_name(f".new-{target.name}")
    temporary.write_bytes(gzip.compress(lines, mtime=0) if target.suffix == ".gz" else lines)
    try:
        snapshot = Snapshot.load(temporary)
    except EvidenceUnreadable:
        temporary.unlink()
        raise
    temporary.replace(target)
    return snapshot


def _read_documents(export: Path) -> Iterator[tuple[str, bytes]]:
    if export.is_dir():
        for path in sorted(export.rglob("*")):
            if path.suffix in (".json", ".jsonl") and path.is_file() and not path.is_symlink():
                yield from _lines(path.name, read_evidence(path))
    elif export.suffix == ".zip":
        yield from _read_zip(export)
    elif export.suffix == ".gz":
        yield from _lines(export.name, _unzip(export))
    else:
        yield from _lines(export.name, read_evidence(export))


def _unzip(path: Path) -> bytes:
    try:
        with gzip.open(path) as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise EvidenceUnreadable(f"{path.name} cannot be unpacked: {error}") from error
    if len(raw) > MAX_BYTES:
        raise EvidenceUnreadable(f"{path.name} is larger than {MAX_BYTES} bytes when unpacked.")
    return raw


def _read_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.filename.endswith((".json", ".jsonl")):
                    continue
                # `read` unpacks at most the stated size, so a zip bomb is refused before unpacking.
                total += entry.file_size
                if total > 4 * MAX_BYTES or entry.file_size > MAX_BYTES:
                    raise EvidenceUnreadable(f"{path.name} is too large when unpacked.")
                yield from _lines(entry.filename, archive.read(entry))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        raise EvidenceUnreadable(f"{path.name} is not a readable zip: {error}") from error


def _lines(name: str, raw: bytes) -> Iterator[tuple[str, bytes]]:
    if not name.endswith(".json"):
        yield from ((f"{name}:{at}", line) for at, line in enumerate(raw.splitlines(), 1) if line)
    elif raw:
        yield name, raw


def _record(name: str, raw: bytes) -> Mapping[str, Any] | None:
    """Return the kept fields of a Python advisory; None for others."""
    try:
        if len(raw) > MAX_RECORD_BYTES:
            raise ValueError("too large")
        record = orjson.loads(raw)
        affected = [
            entry
            for entry in record["affected"]
            if str(entry["package"]["ecosystem"]).split(":")[0] == "PyPI"
            and entry["package"]["name"]
        ]
        kept = {key: record[key] for key in _KEPT if key in record} | {"affected": affected}
        if not (kept["id"] and kept["modified"]):
            raise ValueError("without id or date")
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, KeyError) and error.args == ("affected",):
            return None  # OSV allows records without packages, such as withdrawn ones.
        raise EvidenceUnreadable(f"{name} is not an OSV record: {error}") from error
    return kept if affected else None
