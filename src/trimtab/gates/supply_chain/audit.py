"""Finds known vulnerabilities of packages in an offline OSV snapshot."""

import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
from packaging.version import InvalidVersion, Version

from trimtab.gates.codes import finding
from trimtab.gates.errors import EvidenceMissing, EvidenceUnreadable
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.policy import SupplyChainPolicy
from trimtab.gates.records import Finding
from trimtab.gates.supply_chain.cvss import base_score
from trimtab.gates.supply_chain.installed import normalised

SHIPPED = Path(__file__).with_name("advisories.jsonl.gz")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Advisories by package, with the date of the snapshot."""

    by_package: Mapping[str, Sequence[Mapping[str, Any]]]
    date: date
    """When the newest advisory was changed."""
    records: int

    @classmethod
    def load(cls, path: Path = SHIPPED) -> "Snapshot":
        """Load a snapshot from OSV records in (gzipped) JSON Lines.

        Raises:
            EvidenceMissing: The file does not exist.
            EvidenceUnreadable: A line is not an OSV record.
        """
        if not path.is_file():
            raise EvidenceMissing(f"There is no advisory snapshot {path.name}.")
        try:
            raw = read_evidence(path)
            raw = gzip.decompress(raw) if path.suffix == ".gz" or raw[:2] == b"\x1f\x8b" else raw
            records = [orjson.loads(line) for line in raw.splitlines() if line]
            newest = max((str(record["modified"]) for record in records), default="1970-01-01")
            by_package = _by_package(records)
            day = datetime.fromisoformat(newest[:10]).replace(tzinfo=UTC).date()
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            OSError,
            EOFError,
            zlib.error,
        ) as error:
            raise EvidenceUnreadable(
                f"{path.name} is not a file of OSV records: {error}"
            ) from error
        return cls(by_package, day, len(records))


def _by_package(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    found: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        if record.get("withdrawn"):
            continue
        for name in {normalised(entry["package"]["name"]) for entry in record["affected"]}:
            found[name].append(record)
    return found


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """An advisory that applies to a package version."""

    package: str
    version: str
    id: str
    aliases: tuple[str, ...]
    fixed_in: tuple[str, ...]
    score: float | None
    """CVSS base score, 0 to 10; None when the advisory states none."""
    summary: str


def audit(components: Mapping[str, str], snapshot: Snapshot) -> tuple[Vulnerability, ...]:
    """Return the vulnerabilities of the given components.

    Args:
        components: Package name to installed version.
        snapshot: The known advisories.
    """
    return tuple(
        vulnerability
        for name, version in sorted(components.items())
        for record in snapshot.by_package.get(normalised(name), ())
        for vulnerability in _vulnerability(normalised(name), version, record)
    )


def _vulnerability(name: str, version: str, record: Mapping[str, Any]) -> Iterator[Vulnerability]:
    entries = [e for e in record["affected"] if normalised(e["package"]["name"]) == name]
    if not any(_affects(entry, version) for entry in entries):
        return
    events = [event for entry in entries for r in _ranges(entry) for event in r["events"]]
    scores = [base_score(entry["score"]) for entry in record.get("severity", [])]
    known = [score for score in scores if score is not None]
    yield Vulnerability(
        package=name,
        version=version,
        id=record["id"],
        aliases=tuple(record.get("aliases", ())),
        fixed_in=tuple(sorted({event["fixed"] for event in events if "fixed" in event})),
        score=max(known) if known else None,
        summary=str(record.get("summary") or record.get("details", ""))[:200],
    )


def _ranges(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [r for r in entry.get("ranges", []) if r.get("type") == "ECOSYSTEM"]


def _affects(entry: Mapping[str, Any], version: str) -> bool:
    if version in entry.get("versions", ()):
        return True
    try:
        present = Version(version)
        return any(_inside(r["events"], present) for r in _ranges(entry))
    except InvalidVersion:
        # An invalid version cannot be ruled out.
        return True


def _inside(events: Sequence[Mapping[str, str]], present: Version) -> bool:
    """Return whether a version is in a range of OSV events."""
    switches = []
    for event in events:
        for kind, text in event.items():
            if kind in ("introduced", "fixed", "last_affected"):
                switches.append((Version("0.dev0" if text == "0" else text), kind))
    affected = False
    for at, kind in sorted(switches):
        if kind == "introduced" and present >= at:
            affected = True
        elif (kind == "fixed" and present >= at) or (kind == "last_affected" and present > at):
            affected = False
    return affected


def audit_findings(
    components: Mapping[str, str], snapshot: Snapshot, rules: SupplyChainPolicy, today: date
) -> Iterator[Finding]:
    """Yield findings for vulnerabilities and for an old snapshot."""
    for vulnerability in audit(components, snapshot):
        if _ignored(vulnerability, rules, today):
            continue
        critical = vulnerability.score is not None and vulnerability.score >= rules.critical_cvss
        code = "supply_chain.vulnerability_critical" if critical else "supply_chain.vulnerability"
        fixed = (
            f"fixed in {', '.join(vulnerability.fixed_in)}"
            if vulnerability.fixed_in
            else "no fix is known"
        )
        score = "unrated" if vulnerability.score is None else f"CVSS {vulnerability.score:.1f}"
        yield finding(
            code,
            f"pkg:pypi/{vulnerability.package}@{vulnerability.version}",
            f"{vulnerability.id} ({score}) in {vulnerability.package} {vulnerability.version},"
            f" {fixed}",
        )
    age = (today - snapshot.date).days
    if age > rules.advisory_max_age_days:
        yield finding(
            "supply_chain.advisories_stale",
            "advisories",
            f"of {snapshot.date.isoformat()}, {age} days old (at most"
            f" {rules.advisory_max_age_days}); what was published since then is not found, so this"
            " asks for a review instead of passing",
        )


def _ignored(vulnerability: Vulnerability, rules: SupplyChainPolicy, today: date) -> bool:
    for name in (vulnerability.id, *vulnerability.aliases):
        entry = rules.ignore.get(name)
        if entry and entry.get("reason") and entry.get("until"):
            return today <= date.fromisoformat(entry["until"])
    return False
