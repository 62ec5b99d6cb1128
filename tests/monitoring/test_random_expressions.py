"""Random samples and random expressions: the embedded evaluator and the real Prometheus agree."""

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.monitoring import samples
from tests.monitoring.comparison import differences, ours
from tests.monitoring.remote_write import write
from trimtab.monitoring.series import SeriesStore

THOROUGH = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,  # The last bit of a sum may differ, and `==`, floor or ^ can make much of it.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


# Random expressions over the fixed samples. No operator here picks one of several equal values (topk, sort), because
# which one it picks is nobody's promise.

LABELS = st.lists(
    st.sampled_from(["instance", "method", "code", "handler", "kind", "le"]),
    max_size=2,
    unique=True,
)
SELECTORS = st.sampled_from(
    [
        "requests_total",
        "errors_total",
        "temperature",
        "strange",
        "flapping",
        "latency_seconds_bucket",
        "level",
        "late",
        "constant",
        'requests_total{code=~"[45].."}',
        'temperature{instance!="b"}',
        'temperature{site=""}',
        'errors_total{method!~"G.*"}',
    ]
)
DURATIONS = st.sampled_from(["20s", "45s", "2m", "5m30s", "14m", "1h"])
OFFSETS = st.sampled_from(["", "", " offset 1m", " offset 7m", " offset -30s"])
NUMBERS = st.sampled_from(
    ["0", "1", "-2.5", "0.5", "20", "1e3", "Inf", "NaN", "scalar(steps)", "time()", "2 ^ 0.5"]
)
RANGE_FUNCTIONS = st.sampled_from(
    [
        "rate",
        "increase",
        "delta",
        "idelta",
        "irate",
        "deriv",
        "changes",
        "resets",
        "avg_over_time",
        "min_over_time",
        "max_over_time",
        "sum_over_time",
        "count_over_time",
        "last_over_time",
        "stddev_over_time",
        "present_over_time",
        "absent_over_time",
    ]
)
ELEMENTWISE = st.sampled_from("abs ceil floor exp ln sqrt sgn round absent -".split())  # noqa: SIM905
AGGREGATIONS = st.sampled_from("sum avg min max count group stddev quantile(0.3,".split())  # noqa: SIM905
OPERATORS = st.sampled_from("+ - * / % ^ == != > < >= <= >bool ==bool <=bool".split())  # noqa: SIM905
SET_OPERATORS = st.sampled_from(["and", "or", "unless"])


@st.composite
def ranges(draw):
    return f"{draw(RANGE_FUNCTIONS)}({draw(SELECTORS)}[{draw(DURATIONS)}]{draw(OFFSETS)})"


@st.composite
def aggregations(draw, inner):
    name, labels = draw(AGGREGATIONS), ", ".join(draw(LABELS))
    modifier = draw(st.sampled_from(["", f" by ({labels})", f" without ({labels})"]))
    return f"{name}{' ' if name.endswith(',') else '('}{draw(inner)}){modifier}"


@st.composite
def matchings(draw):
    kind = draw(st.sampled_from(["", "on", "ignoring"]))
    if not kind:
        return ""
    group = draw(st.sampled_from(["", "", "group_left()", "group_right()", "group_left(zone)"]))
    return f"{kind}({', '.join(draw(LABELS))}) {group}".strip()


@st.composite
def operations(draw, inner):
    if draw(st.booleans()):
        operator, matching = draw(OPERATORS), draw(matchings())
    else:
        operator, matching = draw(SET_OPERATORS), draw(matchings()).partition(" group")[0]
    return f"({draw(inner)}) {operator} {matching} ({draw(inner)})"


@st.composite
def with_number(draw, inner):
    sides = [f"({draw(inner)})", draw(NUMBERS)]
    left, right = sides if draw(st.booleans()) else reversed(sides)
    return f"{left} {draw(OPERATORS)} ({right})"


@st.composite
def calls(draw, inner):
    return f"{draw(ELEMENTWISE)}({draw(inner)})"


EXPRESSIONS = st.recursive(
    st.one_of(st.builds("{}{}".format, SELECTORS, OFFSETS), ranges()),
    lambda inner: st.one_of(
        aggregations(inner), operations(inner), with_number(inner), calls(inner)
    ),
    max_leaves=6,
)
INSTANTS_MS = st.one_of(
    st.integers(samples.START_MS, samples.END_MS + 6 * 60_000),
    st.integers(0, samples.COLUMNS).map(lambda column: samples.START_MS + column * samples.STEP_MS),
)


@THOROUGH
@given(expression=EXPRESSIONS, at_ms=INSTANTS_MS)
def test_any_expression_gives_the_result_of_prometheus(expression, at_ms, prometheus, store):
    assert differences(ours(store, expression, at_ms), prometheus.query(expression, at_ms)) == []


# Random samples under fixed expressions. Every example writes a metric of its own.

VALUES = st.one_of(st.integers(0, 20).map(float), st.floats(width=32), st.just(None))
"""None: the series is not in that batch."""
NUMBER = itertools.count()
OVER_SAMPLES = [
    "{0}",
    "rate({0}[2m])",
    "increase({0}[5m])",
    "irate({0}[5m])",
    "delta({0}[3m])",
    "deriv({0}[4m])",
    "resets({0}[10m])",
    "changes({0}[10m])",
    "sum_over_time({0}[5m])",
    "avg_over_time({0}[5m])",
    "min_over_time({0}[5m])",
    "stddev_over_time({0}[2m])",
    "quantile_over_time(0.7, {0}[5m])",
    "count_over_time({0}[20m])",
    "sum({0}) / count({0})",
    "{0} > 3",
    "absent({0})",
    "timestamp({0})",
]


@st.composite
def timelines(draw):
    at_ms = samples.END_MS - 20 * 60_000
    found = []
    for first, second in draw(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=25)):
        at_ms += draw(
            st.sampled_from([1_000, 15_000, 15_000, 15_001, 14_987, 61_000, 300_000, 300_001])
        )
        found.append((at_ms, {"a": first, "b": second}))
    return found


@settings(THOROUGH, max_examples=60)
@given(timeline=timelines(), after_ms=st.sampled_from([0, 1, 7_000, 60_000, 300_000, 300_001]))
def test_any_samples_give_the_results_of_prometheus(timeline, after_ms, prometheus):
    metric = f"random_{next(NUMBER)}"
    batches = [
        samples.Batch(
            metric, at, [(samples.named(metric, s=s), v) for s, v in row.items() if v is not None]
        )
        for at, row in timeline
    ]
    write(prometheus.url, samples.as_series(batches))
    store = samples.fill(SeriesStore(), batches)
    at_ms = timeline[-1][0] + after_ms
    for expression in (template.format(metric) for template in OVER_SAMPLES):
        assert (
            differences(ours(store, expression, at_ms), prometheus.query(expression, at_ms)) == []
        ), expression
