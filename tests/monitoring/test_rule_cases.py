"""The shipped rules, and the engine's life of an alert, as Prometheus' own rule manager sees them."""

import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.monitoring.boundaries import BOUNDARIES
from tests.monitoring.comparison import same
from tests.monitoring.real_prometheus import tool
from tests.monitoring.rule_cases import (
    PROMTOOL,
    Playback,
    RuleCase,
    load,
    milliseconds,
    series_labels,
)

SHIPPED = sorted((Path(__file__).parents[2] / "rules").glob("*.yml"))
CASE_FILES = sorted(path for path in PROMTOOL.glob("*.yml") if not path.stem.endswith("-rules"))
CASES = [
    pytest.param(case, id=f"{case.name} ({', '.join(case.alerts())})")
    for path in CASE_FILES
    for case in load(path)
]
ENGINE_RULES = PROMTOOL / "engine-rules.yml"


def promtool(*arguments):
    done = subprocess.run(
        [tool("promtool"), *arguments], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_promtool_accepts_every_shipped_rule_file(path):
    promtool("check", "rules", str(path))


@pytest.mark.parametrize("path", CASE_FILES, ids=lambda path: path.name)
def test_prometheus_passes_the_cases(path):
    promtool("test", "rules", str(path))


def test_every_shipped_alert_has_a_case_that_fires_and_one_that_does_not():
    expected = [test for param in CASES for test in param.values[0].alert_expectations()]
    # A boundary is judged on both sides of it, here and by Prometheus (`test_boundaries`).
    bounded = {boundary.alert for boundary in BOUNDARIES}
    fires = bounded | {test["alertname"] for test in expected if test["exp_alerts"]}
    silent = bounded | {test["alertname"] for test in expected if not test["exp_alerts"]}
    groups = [group for path in SHIPPED for group in yaml.safe_load(path.read_text())["groups"]]
    shipped = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert shipped - fires == shipped - silent == set()


@pytest.mark.parametrize("case", CASES)
def test_the_engine_raises_the_expected_alerts(case):
    playback = Playback(case)
    for expected in sorted(
        case.alert_expectations(), key=lambda test: milliseconds(test["eval_time"])
    ):
        playback.until(milliseconds(expected["eval_time"]))
        found = [alert_as_expected(alert) for alert in playback.firing(expected["alertname"])]
        assert found == (expected["exp_alerts"] or []), expected["eval_time"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.values[0].expression_expectations()]
)
def test_the_engine_writes_the_expected_series(case):
    playback = Playback(case)
    for expected in sorted(
        case.expression_expectations(), key=lambda test: milliseconds(test["eval_time"])
    ):
        at_ms = milliseconds(expected["eval_time"])
        playback.until(at_ms)
        found = {
            element.labels: element.value for element in playback.evaluate(expected["expr"], at_ms)
        }
        wanted = {series_labels(e["labels"]): e["value"] for e in expected["exp_samples"] or []}
        assert found.keys() == wanted.keys()
        assert all(same(found[labels], wanted[labels]) for labels in wanted)


def alert_as_expected(alert):
    labels = {name: value for name, value in alert.labels.items() if name != "alertname"}
    return {"exp_labels": labels, "exp_annotations": dict(alert.annotations)}


# From here on the engine makes the expectations, and promtool says whether Prometheus agrees.

INTERVAL_SECONDS = 5
RECORDED = "ALERTS or room:heat:max > 0"
"""Without NaN, which promtool never finds equal to NaN."""
BATCHES = settings(
    max_examples=5,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""Few examples, each of them large: every run of promtool costs about a second."""
heats = st.lists(
    st.sampled_from(["31", "31", "31", "40.5", "20", "20", "_", "stale", "NaN"]),
    min_size=8,
    max_size=24,
)


def prediction(number, series):
    """Return a promtool test whose expectations are what the embedded engine does, at every instant."""
    raw = {
        "name": f"number {number}",
        "interval": f"{INTERVAL_SECONDS}s",
        "input_series": [{"series": name, "values": " ".join(vs)} for name, vs in series.items()],
    }
    playback = Playback(RuleCase([ENGINE_RULES], INTERVAL_SECONDS * 1000, raw))
    alerts, expressions = [], []
    for step in range(max(map(len, series.values())) + 3):
        at = f"{step * INTERVAL_SECONDS}s"
        playback.until(step * INTERVAL_SECONDS * 1000)
        for name in ("Hot", "Gone", "Numbers"):
            expected = [alert_as_expected(alert) for alert in playback.firing(name)]
            alerts.append({"eval_time": at, "alertname": name, "exp_alerts": expected})
        seen = said(playback.evaluate(RECORDED, playback.now_ms))
        expressions.append({"expr": RECORDED, "eval_time": at, "exp_samples": seen})
    return {**raw, "alert_rule_test": alerts, "promql_expr_test": expressions}


def said(vector):
    return [
        {
            "labels": "{" + ",".join(f'{name}="{value}"' for name, value in element.labels) + "}",
            "value": element.value,
        }
        for element in vector
    ]


def prometheus_agrees(directory, tests):
    document = {
        "rule_files": [str(ENGINE_RULES)],
        "evaluation_interval": f"{INTERVAL_SECONDS}s",
        "tests": tests,
    }
    path = directory / "cases.yml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True, width=10_000))
    promtool("test", "rules", str(path))


@BATCHES
@given(runs=st.lists(st.tuples(heats, heats), min_size=6, max_size=12))
def test_any_sequence_of_values_gives_the_alerts_of_prometheus(runs, tmp_path):
    tests = [
        prediction(number, {'heat{room="attic"}': attic, 'heat{room="cellar"}': cellar})
        for number, (attic, cellar) in enumerate(runs)
    ]
    prometheus_agrees(tmp_path, tests)


NUMBERS = [0, 1, -1, 0.001, 0.5, 1 / 3, 123456789, 999999.5, 1e6, 9e18, 1.5e-5, 0.0001, 1234567]
NUMBERS += [999.95, 1000, 1023, 1024, -1536, 59.99, 60, 3599.5, 86400, 100000.5, -90061, 1e-7]
NUMBERS += [12345.678, float("inf"), float("nan")]


def test_numbers_are_written_as_prometheus_writes_them(tmp_path):
    words = [str(number).replace("inf", "Inf").replace("nan", "NaN") for number in NUMBERS]
    series = {f'number{{n="{index}"}}': [word] for index, word in enumerate(words)}
    prometheus_agrees(tmp_path, [prediction(0, series)])


@BATCHES
@given(numbers=st.lists(st.floats(-1e18, 1e18), min_size=10, max_size=30))
def test_any_number_is_written_as_prometheus_writes_it(numbers, tmp_path):
    series = {f'number{{n="{index}"}}': [repr(number)] for index, number in enumerate(numbers)}
    prometheus_agrees(tmp_path, [prediction(0, series)])
