"""What alerts from outside cost, against their bars: `python -m benchmarks.incidents [MINUTES] [--json]`.

10,000 alerts a minute in 200 groups, as 100 webhooks of 100 alerts, for 5 minutes: half of each minute's alerts are new, the
others repeat or end. Every alert must be stored once, in one incident. CPU time is that of this process with all its threads; jobs
are not run. Acknowledging is measured on the same store, in real time. Exit 1 when a bar is missed.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.incidents.intake.desk import make_desk, sent

from trimtab.incidents.people import People

A_MINUTE = 10_000
AT_ONCE = 100
GROUPS = 200
BARS = {"cpu_seconds_a_minute": 30.0, "acknowledge_p95_seconds": 1.0, "lost": 0.0, "doubled": 0.0}
"""The most that each figure may be; half of one core for the alerts."""


@dataclass(frozen=True)
class Figures:
    """What was measured."""

    minutes: int
    alerts: int
    incidents: int
    cpu_seconds_a_minute: float
    wall_seconds_a_minute: float
    acknowledge_p95_seconds: float
    lost: float
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


def measure(minutes: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        desk = make_desk(Path(folder), storm_incidents=GROUPS)
        expected: set[str] = set()
        cpu, wall = time.process_time(), time.perf_counter()
        for minute in range(minutes):
            alerts = storm(minute)
            for begin in range(0, len(alerts), AT_ONCE):
                desk.webhook(*alerts[begin : begin + AT_ONCE])
                desk.later(seconds=60 * AT_ONCE / A_MINUTE)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        for minute in range(minutes):
            expected |= {each["labels"]["instance"] for each in storm(minute)}
        incidents = desk.open()
        stored = [a for i in incidents for a in desk.store.of_incident(i.id, limit=10**9)]
        names = [each.labels["instance"] for each in stored]
        return Figures(
            minutes=minutes,
            alerts=minutes * A_MINUTE,
            incidents=len(incidents),
            cpu_seconds_a_minute=round(cpu / minutes, 2),
            wall_seconds_a_minute=round(wall / minutes, 2),
            acknowledge_p95_seconds=round(acknowledge(desk), 4),
            lost=len(expected - set(names)),
            doubled=len(names) - len(set(names)),
        )


def acknowledge(desk) -> float:
    """Return the 95th percentile of the time from an acknowledgement to a silent ladder."""
    people = People(desk.incidents.context, desk.incidents, desk.intake)
    took = []
    for incident in desk.open()[:100]:
        begun = time.perf_counter()
        after = people.acknowledge(incident.id, "bench")
        assert after.episode.acknowledged_at(desk.clock.now())
        took.append(time.perf_counter() - begun)
    return sorted(took)[int(0.95 * (len(took) - 1))]


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
            print(f"{name:28} {value:>10g}{bar}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
