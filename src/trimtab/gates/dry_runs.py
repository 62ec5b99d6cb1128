"""Previews of the changes that the gates' actions would make."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from trimtab.gates.errors import NoGoodCopy
from trimtab.gates.monitor import GROUPS, REPORT, GateMonitor
from trimtab.gates.schema import check_report
from trimtab.kernel.ids import sha256_hex


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """Description of the change that an action would make."""

    text: str
    """One sentence."""
    changes: bool = True


def preview_restore(monitor: GateMonitor, group: str) -> ChangePreview:
    """Compare a group's last good copy with its current files.

    Raises:
        NoGoodCopy: The group has no good copy.
    """
    if not monitor.has_good(group):
        raise NoGoodCopy(f"There is no good copy of {group}.")
    count = sum(
        len(_differing(monitor.good_copy(name), monitor.project.root / name))
        for name in GROUPS[group]
    )
    text = f"{count} files of {group} would be replaced by their last good copy."
    return ChangePreview(text, changes=count > 0)


def preview_manifest(monitor: GateMonitor, dataset: str) -> ChangePreview:
    """Compare a dataset's manifest with its files."""
    from trimtab.gates.evidence import manifest_change  # Imports all gates.

    change = manifest_change(monitor.project, dataset)
    if change.exists and change.same:
        return ChangePreview(
            f"The manifest of {dataset} fits its {change.files} files already.", changes=False
        )
    what = "written again" if change.exists else "made"
    return ChangePreview(f"The manifest of {dataset} would be {what} for {change.files} files.")


def preview_sbom(monitor: GateMonitor) -> ChangePreview:
    """Compare the SBOM with the installed packages."""
    from trimtab.gates.supply_chain import environment, make_sbom

    project = monitor.project
    installed = environment(project.root, monitor.policy().supply_chain.site)
    after, before = make_sbom(project, installed, monitor.clock.now()), _json(project.sbom)
    listed = _components(after)
    if _without_origin(after) == _without_origin(before):
        return ChangePreview(
            f"The bill lists the {len(listed)} components that there are.", changes=False
        )
    count = len(listed.items() ^ _components(before).items())
    return ChangePreview(f"The bill would list {len(listed)} components; {count} entries differ.")


def preview_signing(monitor: GateMonitor) -> ChangePreview:
    """Compare the signed hashes with the current artifacts.

    Raises:
        SignatureWrong: The current signature is not by a trusted key; signing refuses, too.
    """
    signed, root = monitor.signed(), monitor.project.root
    now = {file.relative_to(root).as_posix(): _digest(file) for file in monitor.to_sign()}
    count = len(now.items() ^ signed.items())
    if not count:
        return ChangePreview(f"All {len(now)} artifacts are signed as they are.", changes=False)
    return ChangePreview(
        f"{len(now)} artifacts would be signed; {count} differ from what is signed."
    )


def preview_promotion(monitor: GateMonitor) -> ChangePreview:
    """Compare the report with the golden baseline."""
    baseline = _json(monitor.project.baseline)
    report = (monitor.project.root / REPORT).read_bytes()
    if baseline.get("report_sha256") == sha256_hex(report):
        return ChangePreview(
            "The report is the golden baseline already; its approval would be renewed."
        )
    former = "the former one would be archived" if baseline else "there is none yet"
    return ChangePreview(f"The report would become the golden baseline; {former}.")


def preview_migration(monitor: GateMonitor) -> ChangePreview:
    """Compare the report with its migration to the current schema version."""
    raw = (monitor.project.root / REPORT).read_bytes()
    report = check_report(raw).report
    if report is None:
        return ChangePreview("The report cannot be read, so it would stay as it is.", changes=False)
    if orjson.dumps(report) == orjson.dumps(orjson.loads(raw)):
        return ChangePreview("The report is in the current schema version already.", changes=False)
    return ChangePreview("The report would be written in the current schema version.")


def preview_modes(monitor: GateMonitor) -> ChangePreview:
    """Count the dataset files with wrong modes."""
    count = len(monitor.wrong_permissions())
    return ChangePreview(
        f"The permissions of {count} files of datasets would be repaired.", changes=count > 0
    )


def preview_rewrite(path: Path, text: str, what: str) -> ChangePreview:
    """Compare a file with its new text."""
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if before == text:
        return ChangePreview(f"{what} is set already.", changes=False)
    return ChangePreview(f"{what} would be set in {path.name}.")


def _differing(good: Path, present: Path) -> set[Path]:
    """Return the files that are missing in one folder or differ."""
    names = {file.relative_to(root) for root in (good, present) for file in _files(root)}
    return {name for name in names if _bytes(good / name) != _bytes(present / name)}


def _files(root: Path) -> Iterable[Path]:
    if root.is_file():
        return [root]
    return [path for path in root.rglob("*") if path.is_file()]


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _digest(path: Path) -> str:
    return sha256_hex(path.read_bytes())


def _json(path: Path) -> dict[str, object]:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _without_origin(document: dict[str, object]) -> dict[str, object]:
    """Return the document without the time, place and tool of its creation."""
    return {**document, "metadata": isinstance(document.get("metadata"), dict)}


def _components(document: dict[str, object]) -> dict[str, str]:
    """Return the SBOM's components, each with its hash."""
    found = document.get("components")
    entries = found if isinstance(found, list) else []
    return {
        str(entry.get("bom-ref")): sha256_hex(orjson.dumps(entry, option=orjson.OPT_SORT_KEYS))
        for entry in entries
        if isinstance(entry, dict)
    }
