"""What incidents cost, against their bars: `python -m benchmarks.incidents [MINUTES] [--alerts 10000] [--json]`.

Three parts. *Storm*: 10,000 alerts a minute in 200 groups, as 100 webhooks of 100 alerts, for 5 minutes, over HTTP to `trimtab serve`
in a process of its own, as fast as it takes them: half of each minute's alerts are new, the others repeat or end. Every alert must
be stored once, and each that fires in one incident. Then the incidents are acknowledged. CPU time is that of the service, with all
its threads, until no alert waits. *Rules*: one evaluation of 500 rules, as many thresholds, rates and averages as the service's own
files have. *Diagnosis*: each alert of trimtab's own rules, and alerts that no runbook knows, on two hours of samples.
Exit 1 when a bar is missed. Fewer minutes or alerts are a quick look; the bars hold for 10,000 alerts a minute.
"""

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import psutil
from benchmarks.incidents_parts import diagnosis_seconds, rules_ms, watched_app
from tests.incidents.intake.desk import sent
from tests.processes import Service, start

from trimtab.app.handbook import PAGES_FILE

AT_ONCE = 100
GROUPS = 200
STOP_SECONDS = 600
BARS = {
    "cpu_seconds_a_minute": 30.0,
    "accepted_seconds_a_minute": 60.0,
    "grouped_seconds_a_minute": 60.0,
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
    accepted_seconds_a_minute: float
    """Time in which the service has answered the webhooks of a minute."""
    grouped_seconds_a_minute: float
    """Time until each alert of a minute is in its incident."""
    cpu_seconds_a_minute: float
    """Of the service, until each alert is in its incident."""
    acknowledge_p95_seconds: float
    """From the request to the answer; no one is paged from then on."""
    rules_500_cpu_ms: float
    diagnoses: int
    diagnosis_p95_seconds: float
    lost: float
    """Alerts that are not stored, or that fire in no incident."""
    doubled: float


def storm(minute: int, a_minute: int) -> list[dict]:
    """Return the alerts of a minute: new ones, then repetitions and ends of those before."""
    half = a_minute // 2
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


def batches(minute: int, a_minute: int) -> list[list[dict]]:
    alerts = storm(minute, a_minute)
    return [alerts[begin : begin + AT_ONCE] for begin in range(0, len(alerts), AT_ONCE)]


@dataclass(frozen=True)
class Storm:
    """What the storm did to the service."""

    incidents: int
    accepted_seconds: float
    grouped_seconds: float
    cpu_seconds: float
    acknowledge_p95_seconds: float
    lost: int
    doubled: int


def measure_storm(minutes: int, a_minute: int) -> Storm:
    flags = {
        "service.rate_limit_per_minute": 0,
        "api.key_limit_per_minute": 0,
        "incidents.storm_incidents": GROUPS,
    }
    words = [word for name, value in flags.items() for word in ("--set", f"{name}={value}")]
    # Errors of the removal would hide why the service did not stop.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        data_dir = Path(folder) / "data"
        data_dir.mkdir(mode=0o700)
        service = start(data_dir, *words)
        headers = {"X-API-Key": (data_dir / "admin.key").read_text().strip()}
        try:
            say("storm: the service reads its handbook first")
            wait_until_ready(data_dir)
            watched = psutil.Process(service.process.pid)
            before = cpu_of(watched)
            with httpx.Client(base_url=service.url, headers=headers, timeout=120) as client:
                begun = time.perf_counter()
                send(client, minutes, a_minute)
                accepted = time.perf_counter() - begun
                say(f"storm: accepted in {accepted:.0f} s")
                wait_until_reported(data_dir)
                grouped, cpu = time.perf_counter() - begun, cpu_of(watched) - before
                say(f"storm: in incidents after {grouped:.0f} s and {cpu:.0f} s of CPU time")
                took = acknowledge(client)
                say(f"storm: incidents acknowledged, p95 {took:.2f} s")
        finally:
            stop(service)
        count, distinct, homeless, incidents = ask(
            data_dir,
            "SELECT count(*), count(DISTINCT labels),"
            " sum(state = 'firing' AND incident_id = ''), count(DISTINCT nullif(incident_id, ''))"
            " FROM received_alerts",
        )
        (twice,) = ask(
            data_dir,
            "SELECT count(*) FROM (SELECT group_key FROM incidents WHERE resolved_at IS NULL"
            " GROUP BY group_key HAVING count(*) > 1)",
        )
    sent_ones = minutes * (a_minute // 2)  # Each minute has that many new ones.
    lost = sent_ones - distinct + (homeless or 0)
    return Storm(incidents, accepted, grouped, cpu, took, lost, count - distinct + twice)


def stop(service: Service) -> None:
    """Stop the service; on a machine that does much else its jobs take minutes to end."""
    service.process.terminate()
    try:
        service.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        service.process.kill()
        say(f"the service did not stop in {STOP_SECONDS} s and was killed")
    service.stop()


def cpu_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def ask(data_dir: Path, query: str) -> tuple:
    with closing(sqlite3.connect(f"file:{data_dir / 'state.db'}?mode=ro", uri=True)) as database:
        return database.execute(query).fetchone()


def wait_until_ready(data_dir: Path) -> None:
    """Wait until the shipped pages are read: a first start does that once, and it is no alert's cost."""
    give_up = time.monotonic() + 1800
    while not (data_dir / PAGES_FILE).exists():
        if time.monotonic() > give_up:
            raise SystemExit("For half an hour the service has not read its handbook.")
        time.sleep(0.2)


def wait_until_reported(data_dir: Path) -> None:
    count, give_up = -1, time.monotonic() + 1800
    while left := ask(data_dir, "SELECT count(*) FROM received_alerts WHERE pending")[0]:
        if left != count:
            count, give_up = left, time.monotonic() + 1800
        if time.monotonic() > give_up:
            raise SystemExit(f"For half an hour {left} alerts have waited for their incident.")
        time.sleep(1)


def send(client: httpx.Client, minutes: int, a_minute: int) -> None:
    """Send the webhooks by two senders."""

    def post(batch: list[dict]) -> None:
        body = {"version": "4", "alerts": batch}
        client.post("/v1/alerts/webhooks/alertmanager", json=body).raise_for_status()

    # One minute after the other: ends must not overtake beginnings.
    for minute in range(minutes):
        with ThreadPoolExecutor(2) as senders:
            list(senders.map(post, batches(minute, a_minute)))
        say(f"storm: minute {minute + 1} of {minutes} accepted")


def acknowledge(client: httpx.Client) -> float:
    """Return the 95th percentile of the time that an acknowledgement takes."""
    found = client.get("/v1/incidents", params={"active": True, "limit": 100}).json()["incidents"]
    if not found:
        raise SystemExit("No incident is open after the storm.")
    took = []
    for incident in found:
        begun = time.perf_counter()
        answer = client.post(f"/v1/incidents/{incident['id']}/acknowledge", json={})
        took.append(time.perf_counter() - begun)
        assert answer.json()["acknowledged"]["by"] == "admin", answer.text
    return percentile(took)


def percentile(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


def measure(minutes: int, a_minute: int) -> Figures:
    stormed = measure_storm(minutes, a_minute)
    say("two hours of samples are taken for rules and diagnosis")
    with watched_app() as app:
        rules = rules_ms(app, 500)
        say(f"rules: {rules:.1f} ms of CPU time a tick")
        diagnoses = diagnosis_seconds(app)
    return Figures(
        minutes=minutes,
        alerts=minutes * a_minute,
        incidents=stormed.incidents,
        accepted_seconds_a_minute=round(stormed.accepted_seconds / minutes, 2),
        grouped_seconds_a_minute=round(stormed.grouped_seconds / minutes, 2),
        cpu_seconds_a_minute=round(stormed.cpu_seconds / minutes, 2),
        acknowledge_p95_seconds=round(stormed.acknowledge_p95_seconds, 4),
        rules_500_cpu_ms=round(rules, 2),
        diagnoses=len(diagnoses),
        diagnosis_p95_seconds=round(percentile(diagnoses), 4),
        lost=stormed.lost,
        doubled=stormed.doubled,
    )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.incidents", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=int, default=5)
    parser.add_argument("--alerts", type=int, default=10_000, help="a minute, 400 or more")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.minutes < 1 or options.alerts < 2 * GROUPS or options.alerts % 4:
        parser.error(f"give a minute or more, and {2 * GROUPS} alerts or more, by fours")
    found = asdict(measure(options.minutes, options.alerts))
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
