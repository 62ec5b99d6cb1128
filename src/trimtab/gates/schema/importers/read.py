"""Imports a result file of a given format as a report."""

from collections.abc import Callable
from pathlib import Path

from trimtab.gates.errors import EvidenceMissing, ImportRefused
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.schema.importers.imported import ImportedReport, StatedValues
from trimtab.gates.schema.importers.lm_eval import from_lm_eval
from trimtab.gates.schema.importers.mlperf import from_mlperf
from trimtab.kernel.ids import sha256_hex

Importer = Callable[[bytes, StatedValues], ImportedReport]
FORMATS: dict[str, Importer] = {"lm-eval": from_lm_eval, "mlperf": from_mlperf}

__all__ = ["FORMATS", "ImportedReport", "StatedValues", "import_file", "import_text"]


def import_file(
    path: Path, source_format: str, stated: StatedValues | None = None
) -> ImportedReport:
    """Convert another tool's result file to a report.

    Raises:
        EvidenceMissing: The file does not exist.
        ImportRefused: The format is unknown, or the file has another format.
    """
    if not path.is_file():
        raise EvidenceMissing(f"There is no file {path.name}.")
    return import_text(read_evidence(path), path.name, source_format, stated)


def import_text(
    raw: bytes, name: str, source_format: str, stated: StatedValues | None = None
) -> ImportedReport:
    """Convert the bytes of a result file to a report; see `import_file`."""
    importer = FORMATS.get(source_format)
    if importer is None:
        raise ImportRefused(f"There is no importer for {source_format!r}.")
    stated = stated or StatedValues()
    imported = importer(raw, stated)
    source = {"format": source_format, "file": name, "sha256": sha256_hex(raw)}
    by_importer = sorted({*stated.fields(), *imported.derived})
    if by_importer:
        source["stated_by_importer"] = by_importer  # type: ignore[assignment]  # the only list among texts.
    return ImportedReport({**imported.report, "source": source}, imported.missing, imported.derived)
