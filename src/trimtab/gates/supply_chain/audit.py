"""Known holes in what is installed, from an advisory snapshot in OSV form, without the network."""

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
    """Advisories by package, and how old they are."""

    by_package: Mapping[str, Sequence[Mapping[str, Any]]]
    date: date
    """When the newest advisory was changed."""
    records: int

    @classmethod
    def load(cls, path: Path = SHIPPED) -> "Snapshot":
        """Return the snapshot of a JSON Lines file of OSV records, gzipped or not.

        Raises:
            EvidenceMissing: There is no such file.
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
class Hole:
    """One advisory that applies to one package."""

    package: str
    version: str
    id: str
    aliases: tuple[str, ...]
    fixed_in: tuple[str, ...]
    score: float | None
    """CVSS base score, 0 to 10; None when the advisory states none."""
    summary: str


def audit(components: Mapping[str, str], snapshot: Snapshot) -> tuple[Hole, ...]:
    """Return the advisories that apply.

    Args:
        components: Package name to installed version.
        snapshot: What is known.
    """
    return tuple(
        hole
        for name, version in sorted(components.items())
        for record in snapshot.by_package.get(normalised(name), ())
        for hole in _hole(normalised(name), version, record)
    )


def _hole(name: str, version: str, record: Mapping[str, Any]) -> Iterator[Hole]:
    entries = [e for e in record["affected"] if normalised(e["package"]["name"]) == name]
    if not any(_affects(entry, version) for entry in entries):
        return
    events = [event for entry in entries for r in _ranges(entry) for event in r["events"]]
    scores = [base_score(entry["score"]) for entry in record.get("severity", [])]
    known = [score for score in scores if score is not None]
    yield Hole(
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
        # An unreadable version cannot be cleared.
        return True


def _inside(events: Sequence[Mapping[str, str]], present: Version) -> bool:
    """Return whether a version lies in a range: events switch "affected" on and off in the order of versions."""
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
    """Yield a finding for each hole that the policy does not ignore, and one if the snapshot is old."""
    for hole in audit(components, snapshot):
        if _ignored(hole, rules, today):
            continue
        critical = hole.score is not None and hole.score >= rules.critical_cvss
        code = "supply_chain.vulnerability_critical" if critical else "supply_chain.vulnerability"
        fixed = f"fixed in {', '.join(hole.fixed_in)}" if hole.fixed_in else "no fix is known"
        score = "unrated" if hole.score is None else f"CVSS {hole.score:.1f}"
        yield finding(
            code,
            f"pkg:pypi/{hole.package}@{hole.version}",
            f"{hole.id} ({score}) in {hole.package} {hole.version}, {fixed}",
        )
    age = (today - snapshot.date).days
    if age > rules.advisory_max_age_days:
        yield finding(
            "supply_chain.advisories_stale",
            "advisories",
            f"of {snapshot.date.isoformat()}, {age} days old (at most {rules.advisory_max_age_days}); "
            "what was published since then is not found, so this asks for a review instead of passing",
        )


def _ignored(hole: Hole, rules: SupplyChainPolicy, today: date) -> bool:
    for name in (hole.id, *hole.aliases):
        entry = rules.ignore.get(name)
        if entry and entry.get("reason") and entry.get("until"):
            return today <= date.fromisoformat(entry["until"])
    return False
