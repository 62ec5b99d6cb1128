"""Rules and diagnosis of `benchmarks.incidents`, on a whole app in this process."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from trimtab.app import App, build
from trimtab.incidents.diagnose import investigate
from trimtab.incidents.model import AttachedAlert, Episode, Incident, IncidentAlert
from trimtab.incidents.state import State
from trimtab.infra.settings import load
from trimtab.infra.shipped import shipped
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import load_rules
from trimtab.testing.clock import FakeClock

SCRAPE_SECONDS, HOURS = 5, 2
UNKNOWN = 20
"""Alerts from outside that no runbook knows."""


@contextmanager
def watched_app() -> Iterator[App]:
    """Build an app with two hours of samples of itself."""
    with tempfile.TemporaryDirectory() as folder:
        flags = {
            "service.data_dir": str(Path(folder) / "data"),
            "service.rate_limit_per_minute": "0",
        }
        clock = FakeClock()
        app = build(load(flags=flags, environment={}), clock)
        try:
            for _ in range(HOURS * 3600 // SCRAPE_SECONDS):
                clock.advance(SCRAPE_SECONDS)
                app.monitoring.take_sample()
            yield app
        finally:
            app.close()


def rules_ms(app: App, count: int) -> float:
    """Return the CPU milliseconds of one evaluation of that many rules, copies of the shipped ones."""
    with tempfile.TemporaryDirectory() as folder:
        groups = load_rules(_copies(Path(folder), count))
        engine = RuleEngine(groups, app.monitoring.series)
        now, rounds = app.clock.now(), 20
        engine.tick(now)
        begun = time.thread_time()
        for number in range(1, rounds + 1):
            engine.tick(now + timedelta(milliseconds=number))
        return (time.thread_time() - begun) / rounds * 1000


def _copies(folder: Path, count: int) -> list[Path]:
    rules = [
        rule
        for file in sorted(shipped("rules").glob("*.y*ml"))
        for group in (yaml.safe_load(file.read_text()) or {}).get("groups", ())
        for rule in group["rules"]
        if "alert" in rule
    ]
    chosen = [{**rules[number % len(rules)], "alert": f"Copy{number}"} for number in range(count)]
    path = folder / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "copies", "rules": chosen}]}))
    return [path]


def diagnosis_seconds(app: App) -> list[float]:
    """Return how long each diagnosis takes: of every alert of trimtab's own rules, and of unknown ones."""
    context = app.incidents.context
    names = [
        *sorted(app.monitoring.alert_names),
        *(f"Outside{number}" for number in range(UNKNOWN)),
    ]
    found = []
    for name in names:
        incident = _incident(name, app.clock.now())
        begun = time.perf_counter()
        if not investigate(context, incident).cause_id and context.ranking is not None:
            context.ranking(incident)
        found.append(time.perf_counter() - begun)
    return found


def _incident(name: str, at: datetime) -> Incident:
    alert = IncidentAlert(
        name, name, {"alertname": name}, {"summary": "Something is slow."}, 1.0, at
    )
    return Incident(
        id="INC-2026-0101",
        state=State.TRIAGED,
        state_since=at,
        title=name,
        component="service",
        group_key=name,
        alerts=(AttachedAlert(alert, firing=True, changed_at=at),),
        episode=Episode(1, at.astimezone(UTC)),
    )
