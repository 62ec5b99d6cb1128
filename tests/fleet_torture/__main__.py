"""Runs the campaign and ends with its counts.

    python -m tests.fleet_torture --kills 20 --processes 3 --stop-seconds 60 --json

Exit code 1 when anything acknowledged was lost, doubled, came back, or was answered wrongly, when the audit chain is
broken, nobody leads, or a rule of the leader failed.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from tests.fleet_torture.fleet import HEADERS, Fleet
from tests.fleet_torture.load import MODEL, PROJECT, Client, Expected
from tests.fleet_torture.pages import Pages
from tests.fleet_torture.verdict import Verdict
from tests.knowledge.engines.servers import PostgresServer


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet_torture")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument(
        "--stop-seconds", type=float, default=60, help="how long the leader is stopped; 0: never"
    )
    parser.add_argument("--restarts", type=int, default=1, help="restarts of PostgreSQL under load")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder, began = Path(tempfile.mkdtemp(prefix="trimtab-fleet-")), time.monotonic()
    server, pages = PostgresServer(folder), Pages()
    try:
        report = campaign(folder / "data", server, pages, options)
    finally:
        server.close()
        pages.close()
    report["seconds"] = round(time.monotonic() - began, 1)
    sys.stdout.write(json.dumps(report, indent=1) + "\n" if options.json else shown(report))
    if report["violations"]:
        sys.stderr.write(f"What was left is in {folder}; --seed {options.seed} repeats it.\n")
        return 1
    shutil.rmtree(folder)
    return 0


def campaign(data, server, pages, options):
    """Run the load, the kills, the stop and the restarts; return the counts."""
    fleet = Fleet(data, server.url, options.processes, pages.url, options.seed)
    expected, stop = Expected(), threading.Event()
    try:
        versions = prepare(fleet)
        clients = [
            Client(number, fleet, expected, stop, versions) for number in range(options.clients)
        ]
        for client in clients:
            client.start()
        leaderless = kills(fleet, expected, options)
        stopped = (
            pause_leader(fleet, expected, options.stop_seconds) if options.stop_seconds else None
        )
        for _ in range(options.restarts):
            server.kill()
            time.sleep(2)
            server.start()
            time.sleep(10)
        stop.set()
        for client in clients:
            client.join(120)
        fleet.wait_for_leader()
        time.sleep(10)
        verdict = Verdict(fleet.somewhere(), expected, pages).judge()
        return counts(options, expected, pages, verdict, leaderless, stopped)
    finally:
        stop.set()
        fleet.close()


def prepare(fleet):
    """Make the project and two versions of a model; return their names."""
    httpx.post(
        fleet.somewhere() + "/api/v1/projects", json={"name": PROJECT}, headers=HEADERS, timeout=60
    ).raise_for_status()
    from tests.models.factory import sample_rows, saved, trained

    versions = []
    for seed in (7, 8):
        with tempfile.TemporaryDirectory() as folder:
            artifact = saved(Path(folder), trained(seed))
            files = {
                "artifact": ("model.skops", artifact.read_bytes()),
                "sample": ("sample.json", json.dumps(sample_rows(50)).encode()),
            }
            url = fleet.somewhere() + "/v1/models"
            answer = httpx.post(
                url, data={"name": MODEL}, files=files, headers=HEADERS, timeout=120
            )
            answer.raise_for_status()
            versions.append(answer.json()["version"])
    return versions


def kills(fleet, expected, options):
    """Kill one process after another; return the longest seconds without a leader after one that led."""
    chance, longest = random.Random(options.seed), 0.0
    for done in range(options.kills):
        time.sleep(chance.uniform(0.5, 4.0))
        leader, leader_id = fleet.leader(), fleet.leader_id()
        victim = (
            leader
            if leader is not None and chance.random() < 0.4
            else chance.choice(sorted(fleet.services))
        )
        waited = []
        # The process that is started in its place has another id, and may lead.
        watcher = threading.Thread(
            target=lambda i=leader_id, w=waited: w.append(fleet.wait_for_leader(other_than=i))
        )
        if victim == leader:
            watcher.start()
        fleet.kill(victim)
        if victim == leader:
            watcher.join()
            if waited[0] is None:
                expected.wrong.append(f"nobody led for 60 s after kill {done + 1}")
            longest = max(longest, waited[0] or 60.0)
        sys.stderr.write(f"\rkill {done + 1} of {options.kills}")
    sys.stderr.write("\n")
    return longest


def pause_leader(fleet, expected, seconds):
    """Stop the leader for a time; return after how many seconds another led."""
    leader, leader_id = fleet.leader(), fleet.leader_id()
    if leader is None:
        expected.wrong.append("nobody led before the stop")
        return None
    service = fleet.services[leader]
    fleet.pause(leader)
    try:
        with_others = fleet.services[leader] = None
        assert with_others is None
        began = time.monotonic()
        waited = fleet.wait_for_leader(other_than=leader_id, seconds=seconds)
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    finally:
        fleet.services[leader] = service
        fleet.pause(leader, go_on=True)
    if waited is None:
        expected.wrong.append(f"nobody else led while the leader was stopped for {seconds:g} s")
    time.sleep(15)
    leading = [each for each in fleet.look() or () if each["leader"]]
    if len(leading) != 1:
        expected.wrong.append(f"{len(leading)} processes lead after the stopped one went on")
    return waited


def counts(options, expected, pages, verdict, leaderless, stopped):
    violations = {
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "resurrected": verdict.resurrected,
        "audit or rules": verdict.broken,
        "answered wrongly": expected.wrong,
    }
    return {
        "killed": options.kills,
        "acknowledged": {
            "documents": len(expected.documents) + len(expected.deleted),
            "deletions": len(expected.deleted),
            "erasures": len(expected.erased),
            "keys": len(expected.keys) + len(expected.revoked),
            "revocations": len(expected.revoked),
            "incidents": len(expected.alerts),
            "promotions": len(expected.moves),
        },
        "answers": {str(status): count for status, count in sorted(expected.answers.items())},
        "pages": len(pages.by_key),
        "pages that came again under their key": pages.repeated(),
        "longest seconds without a leader": round(leaderless, 1),
        "seconds until another led while the leader was stopped": stopped and round(stopped, 1),
        "counts": {name: len(found) for name, found in violations.items()},
        "violations": [f"{name}: {one}" for name, found in violations.items() for one in found],
    }


def shown(report):
    lines = []
    for name, value in report.items():
        if isinstance(value, dict):
            lines += [f"{name}:", *(f"  {key:<16} {each}" for key, each in value.items())]
        elif name == "violations":
            lines += [f"VIOLATION {each}" for each in value]
        else:
            lines.append(f"{name}: {value}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
