from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.console.charts import HEIGHT, WIDTH, spark
from trimtab.console.render import code, duration, facts, markdown, number, render, size


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("[x](javascript:alert(1))", 'href="javascript'),
        ("<img src=x onerror=alert(1)>", "<img"),
        ("```sh fix\n</code><script>\n```", "<script"),
    ],
)
def test_markdown_runs_nothing(text, never):
    assert never not in str(markdown(text))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "\N{EN DASH}"),
        (float("nan"), "\N{EN DASH}"),
        (0, "0"),
        (0.0123, "0.0123"),
        (48.71, "48.7"),
        (253.4, "253"),
        (12345.6, "12,346"),
        (-3.14159, "-3.14"),
    ],
)
def test_numbers_are_short(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.12, "0.1 s"),
        (27.4, "27 s"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (3600, "1 h"),
        (timedelta(hours=30, minutes=5), "30 h 5 min"),
        (timedelta(days=3, hours=4), "3 d 4 h"),
    ],
)
def test_durations_have_two_units_at_most(value, shown):
    assert duration(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (2_400_000, "2.4 MB"),
        (3_000_000_000, "3 GB"),
    ],
)
def test_sizes_have_a_fitting_unit(value, shown):
    assert size(value) == shown


@pytest.mark.parametrize(
    ("values", "said"), [({}, False), ({"reading": None}, False), ({"reading": 0.4}, True)]
)
def test_a_project_that_is_still_read_says_how_much_is_done(values, said):
    assert ("Still reading, 40 %" in render("parts/reading.html", values)) is said


numbers = st.none() | st.floats(allow_nan=True, allow_infinity=True, width=32)


@given(st.lists(numbers, max_size=61))
def test_a_line_stays_in_its_box(values):
    drawn = spark(values)
    if drawn is None:
        return
    points = [
        tuple(float(part) for part in point.split(","))
        for run in drawn.line.split("M")[1:]
        for point in run.strip().split(" L")
    ]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_a_gap_breaks_the_line():
    drawn = spark([1, 2, None, 3, 4])
    assert drawn is not None
    assert drawn.line.count("M") == 2


def test_one_value_is_no_line():
    assert spark([None, 3.0, None]) is None


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ({"free_bytes": 69_533_052_928, "used_ratio": 0.3618}, "free 69.5 GB · used 36 %"),
        ({"open": True, "breaker": "closed"}, "open · breaker closed"),
        ({"open": False, "servers": {}, "last_error": "", "rules": 44}, "not open · rules 44"),
        ({"model": None}, ""),
        ({}, ""),
    ],
)
def test_facts_are_said_in_words(found, shown):
    assert facts(found) == shown


def test_code_is_marked_and_the_rest_is_text():
    assert code("run `a <b>` & <i>") == "run <code>a &lt;b&gt;</code> &amp; &lt;i&gt;"
    assert code("one ` alone") == "one ` alone"
