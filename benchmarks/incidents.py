"""What incidents cost, against their bars: `python -m benchmarks.incidents [MINUTES] [--json]`.

Four parts. *Storm*: 10,000 alerts a minute in 200 groups, as 100 webhooks of 100 alerts, for 5 minutes: half of each minute's
alerts are new, the others repeat or end. Every alert must be stored once, in one incident. CPU time is that of this process with all
its threads; jobs are not run. *Service*: the same alerts over HTTP to `trimtab serve` in a process of its own, whose jobs run;
then its incidents are acknowledged. *Rules*: one evaluation of 500 rules, as many thresholds, rates and averages as the service's own
files have. *Diagnosis*: each alert of trimtab's own rules, and alerts that no runbook knows, on two hours of samples.
Exit 1 when a bar is missed.
"""

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from benchmarks.incidents_parts import diagnosis_seconds, rules_ms
from tests.incidents.intake.desk import make_desk, sent
from tests.processes import start

from trimtab.incidents.people import People

A_MINUTE = 10_000
AT_ONCE = 100
GROUPS = 200
BARS = {
    "cpu_seconds_a_minute": 30.0,
    "service_seconds_a_minute": 60.0,
    "acknowledge_p95_seconds": 1.0,
    "rules_500_cpu_ms": 50.0,
    "diagnosis_p95_seconds": 2.0,
    "lost": 0.0,
    "doubled": 0.0,
}
"""The most that each figure may be; half of one core for the alerts."""


@dataclass(frozen=True)
class Figures:
    """What was measured."""

    minutes: int
    alerts: int
    incidents: int
    cpu_seconds_a_minute: float
    service_seconds_a_minute: float
    """Time until the service has answered the webhooks of a minute; at most 60."""
    acknowledge_p95_seconds: float
    """From the request to the answer; no one is paged from then on."""
    rules_500_cpu_ms: float
    diagnoses: int
    diagnosis_p95_seconds: float
    lost: float
    """Of both storms together."""
    doubled: float


def storm(minute: int) -> list[dict]:
    """Return the alerts of a minute: new ones, then repetitions and ends of those before."""
    half = A_MINUTE // 2
    alerts = [alert(minute * half + number) for number in range(half)]
    before = [alert((minute - 1) * half + number) for number in range(half)] if minute else alerts
    ended = [{**each, "status": "resolved"} for each in before[: half // 2]]
    return [*alerts, *before[half // 2 :], *ended]


def alert(number: int) -> dict:
    return sent(
        name=f"Alert{number % GROUPS}",
        annotations={"summary": f"Something of shard {number} is slow.", "value": "1.5"},
        instance=f"node{number}.example:9100",
        job="node",
        severity="warning",
        cluster="production",
    )


def batches(minutes: int) -> list[list[dict]]:
    found = []
    for minute in range(minutes):
        alerts = storm(minute)
        found += [alerts[begin : begin + AT_ONCE] for begin in range(0, len(alerts), AT_ONCE)]
    return found


def expected(minutes: int) -> set[str]:
    return {each["labels"]["instance"] for batch in batches(minutes) for each in batch}


def measure_storm(minutes: int) -> tuple[float, int, int, int]:
    """Return the CPU seconds a minute, the incidents, and the alerts that were lost and doubled."""
    with tempfile.TemporaryDirectory() as folder:
        desk = make_desk(Path(folder), storm_incidents=GROUPS)
        cpu = time.process_time()
        for batch in batches(minutes):
            desk.webhook(*batch)
            desk.later(seconds=60 * AT_ONCE / A_MINUTE)
        cpu = time.process_time() - cpu
        incidents = desk.open()
        stored = [a for i in incidents for a in desk.store.of_incident(i.id, limit=10**9)]
        names = [each.labels["instance"] for each in stored]
        assert_silent(desk)
    lost = len(expected(minutes) - set(names))
    return cpu / minutes, len(incidents), lost, len(names) - len(set(names))


def assert_silent(desk) -> None:
    """Check that an acknowledged incident calls no one any more."""
    people = People(desk.incidents.context, desk.incidents, desk.intake)
    after = people.acknowledge(desk.open()[0].id, "bench")
    assert after.episode.acknowledged_at(desk.clock.now())


def measure_service(minutes: int) -> tuple[float, float, int, int]:
    """Return the seconds a minute, the acknowledgement's p95, and the alerts that were lost and doubled."""
    flags = {
        "service.rate_limit_per_minute": 0,
        "api.key_limit_per_minute": 0,
        "incidents.storm_incidents": GROUPS,
        "incidents.poll_seconds": 60,
    }
    words = [word for name, value in flags.items() for word in ("--set", f"{name}={value}")]
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        data_dir.mkdir(mode=0o700)
        service = start(data_dir, *words)
        key = (data_dir / "admin.key").read_text().strip()
        try:
            with httpx.Client(
                base_url=service.url, headers={"X-API-Key": key}, timeout=120
            ) as client:
                seconds = send(client, minutes)
                took = acknowledge(client)
        finally:
            service.stop()
        query = (
            "SELECT count(*), count(DISTINCT labels), sum(incident_id = '') FROM received_alerts"
        )
        with closing(sqlite3.connect(data_dir / "state.db")) as database:
            count, distinct, without = database.execute(query).fetchone()
    wanted = len(expected(minutes))
    return seconds / minutes, took, wanted - distinct + (without or 0), count - distinct


def send(client: httpx.Client, minutes: int) -> float:
    """Send the webhooks by two senders, and wait until each alert has its incident."""

    def post(batch: list[dict]) -> None:
        body = {"version": "4", "alerts": batch}
        client.post("/v1/alerts/webhooks/alertmanager", json=body).raise_for_status()

    begun = time.perf_counter()
    # One minute after the other: ends must not overtake beginnings.
    for minute in range(minutes):
        alerts = storm(minute)
        with ThreadPoolExecutor(2) as senders:
            begins = range(0, len(alerts), AT_ONCE)
            list(senders.map(post, [alerts[begin : begin + AT_ONCE] for begin in begins]))
    seconds = time.perf_counter() - begun
    give_up = time.monotonic() + 300
    while time.monotonic() < give_up:
        found = client.get("/v1/incidents", params={"active": True, "limit": 1000}).json()
        if len(found["incidents"]) >= GROUPS:
            break
        time.sleep(1)
    return seconds


def acknowledge(client: httpx.Client) -> float:
    """Return the 95th percentile of the time that an acknowledgement takes."""
    found = client.get("/v1/incidents", params={"active": True, "limit": 100}).json()["incidents"]
    took = []
    for incident in found:
        begun = time.perf_counter()
        answer = client.post(f"/v1/incidents/{incident['id']}/acknowledge", json={})
        took.append(time.perf_counter() - begun)
        assert answer.json()["acknowledged"]["by"] == "admin", answer.text
    return percentile(took)


def percentile(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


def measure(minutes: int) -> Figures:
    cpu, incidents, lost, doubled = measure_storm(minutes)
    say("storm in this process: done")
    seconds, acknowledged, lost_there, doubled_there = measure_service(minutes)
    say("storm against a service: done")
    rules = rules_ms(500)
    say("rules: done")
    diagnoses = diagnosis_seconds()
    return Figures(
        minutes=minutes,
        alerts=minutes * A_MINUTE,
        incidents=incidents,
        cpu_seconds_a_minute=round(cpu, 2),
        service_seconds_a_minute=round(seconds, 2),
        acknowledge_p95_seconds=round(acknowledged, 4),
        rules_500_cpu_ms=round(rules, 2),
        diagnoses=len(diagnoses),
        diagnosis_p95_seconds=round(percentile(diagnoses), 4),
        lost=lost + lost_there,
        doubled=doubled + doubled_there,
    )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.incidents", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asdict(measure(options.minutes))
    missed = {name: bar for name, bar in BARS.items() if found[name] > bar}
    if options.json:
        print(json.dumps({**found, "missed": missed}, indent=2))
    else:
        for name, value in found.items():
            bar = f"  (at most {BARS[name]:g})" if name in BARS else ""
            print(f"{name:28} {value:>10g}{bar}{'  MISSED' if name in missed else ''}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
