"""Runs the campaigns and ends with their counts.

    python -m tests.knowledge.torture --kills 100 --flips 180 --json

Exit code 1 when anything was lost, came back, was answered wrongly or broke.
"""

import argparse
import json
import logging
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.knowledge.torture.flips import Flips
from tests.knowledge.torture.full import Full, SmallDisk
from tests.knowledge.torture.full_state import FullState
from tests.knowledge.torture.kills import Kills
from tests.knowledge.torture.service import ServiceFlips

_OUTCOMES = (
    "tried",
    "detected",
    "repaired",
    "harmless",
    "reported",
    "refused",
    "done",
    "violation",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.knowledge.torture")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--flips", type=int, default=180)
    parser.add_argument("--service", type=int, default=60, help="damages to the other files")
    parser.add_argument("--full-step", type=int, default=1, help="pages between two tries; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.getLogger("trimtab").addHandler(logging.NullHandler())
    folder, started = Path(tempfile.mkdtemp(prefix="torture-")), time.monotonic()
    rows, violations = campaigns(folder, options)
    seconds = round(time.monotonic() - started, 1)
    report = {"campaigns": rows, "violations": violations, "seconds": seconds}
    sys.stdout.write(json.dumps(report) + "\n" if options.json else shown(report))
    if violations:
        sys.stderr.write(f"What was found is in {folder}; --seed {options.seed} repeats it.\n")
        return 1
    shutil.rmtree(folder)
    return 0


def campaigns(folder: Path, options):
    """Return one row of counts for each part of each campaign, and everything that was wrong."""
    rows, violations = [], []
    if options.kills:
        kills = Kills(folder / "kills", options.seed)
        kills._folder.mkdir(parents=True)
        kills.run(options.kills)
        steps = kills.expected.steps
        rows.append(row("kill -9", {"tried": options.kills, "violation": len(kills.violations)}))
        rows += [row(f"acknowledged: {step}", {"done": steps[step]}) for step in sorted(steps)]
        violations += kills.violations
    if options.flips:
        flips = Flips(folder / "flips", options.seed)
        flips.run(options.flips)
        rows += [row(f"flipped byte: {kind}", found) for kind, found in flips.counts.items()]
        violations += flips.violations
    if options.service:
        service = ServiceFlips(folder / "service", options.seed)
        service.run(options.service)
        rows += [row(f"service: {name}", service.counts[name]) for name in sorted(service.counts)]
        violations += service.violations
    if options.full_step:
        rows += full(folder / "full", options.full_step, violations)
    return rows, violations


def full(folder: Path, step: int, violations: list[str]):
    disk = SmallDisk(folder)
    if not disk.available:
        return [row("full disk: not run, no right to mount a tmpfs", {})]
    campaigns = Full(disk, step), FullState(disk, step)
    try:
        for campaign in campaigns:
            campaign.run()
            violations += campaign.violations
    finally:
        disk.close()
    counts = [found for campaign in campaigns for found in campaign.counts.items()]
    return [row(f"full disk: {name}", found) for name, found in counts]


def row(campaign: str, counts: Counter | dict[str, int]):
    tried = counts.get("tried") or sum(counts.values())
    return {"campaign": campaign, **counts, "tried": tried}


def shown(report) -> str:
    width = max(len(found["campaign"]) for found in report["campaigns"])
    lines = [f"{'campaign':{width}} " + " ".join(f"{name:>9}" for name in _OUTCOMES)]
    for found in report["campaigns"]:
        cells = " ".join(f"{found.get(name, 0) or '':>9}" for name in _OUTCOMES)
        lines.append(f"{found['campaign']:{width}} {cells}")
    lines += report["violations"]
    lines.append(f"{len(report['violations'])} violations in {report['seconds']} s")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
