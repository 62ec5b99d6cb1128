"""What the embedded rule evaluator costs: 100 rules on 2,000 series with two hours of samples.

Run it with ``python -m benchmarks.rules``. CPU time, not wall time: the figures hold on a busy machine.
"""

import gc
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import psutil
import yaml

from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.labels import Labels, labels_of
from trimtab.monitoring.series import SeriesStore

SERIES, RULES, STEP_SECONDS, HOURS = 2000, 100, 5, 2
BUSY = 0.3
"""The share of the series that change from one scrape to the next."""


def series() -> list[Labels]:
    """40 metrics of 50 series: 20 counters, 10 gauges and 10 histograms of 10 buckets."""
    made = []
    for number in range(SERIES):
        metric, child = divmod(number, 50)
        labels = {"child": str(child)}
        if metric < 20:
            name = f"c{metric}_total"
        elif metric < 30:
            name = f"g{metric}"
        else:
            name = f"h{metric}_bucket"
            labels = {
                "child": str(child // 10),
                "le": [".1", ".2", ".5", "1", "2", "5", "10", "20", "50", "+Inf"][child % 10],
            }
        made.append(labels_of({"__name__": name, **labels}))
    return made


def rules(directory: Path, count: int = RULES) -> Path:
    """Alerts: rates and ratios, thresholds on gauges, averages over time, quantiles of histograms."""
    kinds = [
        "sum(rate(c{0}_total[5m])) > 1e9",
        "sum by (child) (rate(c{0}_total[5m])) / sum by (child) (increase(c{1}_total[5m])) > 1e9",
        "g{2} > 1e9",
        "avg_over_time(g{2}[10m]) > 1e9",
        "histogram_quantile(0.99, sum by (le) (rate(h{3}_bucket[5m]))) > 1e9",
    ]
    alerts = []
    for number in range(count):
        turn = number // len(kinds)
        expression = kinds[number % len(kinds)].format(
            turn, (turn + 1) % 20, 20 + turn % 10, 30 + turn % 10
        )
        alerts.append(
            {"alert": f"A{number}", "expr": expression, "annotations": {"runbook_url": "runbook:x"}}
        )
    path = directory / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "bench", "rules": alerts}]}))
    return path


def filled(names: list[Labels]) -> tuple[SeriesStore, int, float]:
    """Return the store, its last instant in milliseconds, and the CPU seconds of one scrape."""
    chance, store, values = Random(1), SeriesStore(HOURS * 3600), [0.0] * len(names)
    spent, at_ms = 0.0, 1_700_000_000_000
    columns = HOURS * 3600 // STEP_SECONDS
    for _ in range(columns):
        at_ms += STEP_SECONDS * 1000
        for index in range(len(names)):
            if chance.random() < BUSY:
                values[index] += 1.0
        batch = list(zip(names, values, strict=True))
        started = time.process_time()
        store.append("scrape", at_ms, batch)
        spent += time.process_time() - started
    return store, at_ms, spent / columns


def promtool_seconds(directory: Path, names: list[Labels], evaluations: int) -> float:
    """Return the CPU seconds in which promtool plays that many evaluations of the same rules on as many series."""
    columns = evaluations + 600 // STEP_SECONDS
    inputs = []
    for labels in names:
        pairs = ",".join(f'{name}="{value}"' for name, value in labels)
        inputs.append({"series": f"{{{pairs}}}", "values": f"0+0.3x{columns}"})
    document = {
        "rule_files": [str(directory / "rules.yml")],
        "evaluation_interval": f"{STEP_SECONDS}s",
        "tests": [
            {
                "interval": f"{STEP_SECONDS}s",
                "input_series": inputs,
                "alert_rule_test": [
                    {"eval_time": f"{columns * STEP_SECONDS}s", "alertname": "A0", "exp_alerts": []}
                ],
            }
        ],
    }
    (directory / "cases.yml").write_text(yaml.safe_dump(document))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        ["promtool", "test", "rules", "cases.yml"],
        cwd=directory,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    process = psutil.Process()
    names = series()
    gc.collect()
    before = process.memory_info().rss
    store, at_ms, scrape_seconds = filled(names)
    gc.collect()
    megabytes = (process.memory_info().rss - before) / 1e6
    print(
        f"{len(store)} series, {HOURS} h of samples every {STEP_SECONDS} s, {BUSY:.0%} of the series changing"
    )
    print(f"memory of the samples   {megabytes:8.1f} MB")
    print(f"one scrape appended     {scrape_seconds * 1000:8.2f} ms CPU")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        engine = RuleEngine(load_rules([rules(directory)]), store)
        rounds = 20
        started = time.process_time()
        for number in range(rounds):
            engine.tick(datetime.fromtimestamp(at_ms / 1000 + number * 0.01, UTC))
        seconds = (time.process_time() - started) / rounds
        print(f"{RULES} rules evaluated     {seconds * 1000:8.2f} ms CPU ({rounds} runs)")
        print(
            f"share of one core at a tick every {STEP_SECONDS} s: {(seconds + scrape_seconds) / STEP_SECONDS:.1%}"
        )
        failed = [health for health in engine.health() if health.error]
        assert not failed, failed
        if shutil.which("promtool"):
            short, long = (promtool_seconds(directory, names, count) for count in (1, 41))
            print(
                f"promtool, same rules    {(long - short) / 40 * 1000:8.2f} ms CPU (40 evaluations, loading included)"
            )


if __name__ == "__main__":
    sys.exit(main())
