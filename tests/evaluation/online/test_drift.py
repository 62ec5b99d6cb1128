import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.evaluation.online.drift import drift


def cloud(seed, count=80, centre=0.0, dimension=16):
    raw = np.random.default_rng(seed).normal(size=(count, dimension))
    raw[:, 0] += centre
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.feature("F469")
def test_other_questions_than_before_are_a_drift():
    report = drift(cloud(1), cloud(2, centre=2.0))
    assert report.detected
    assert report.p_value == 0.002
    assert report.effect > 0.05


def test_the_same_kind_of_questions_is_no_drift():
    assert not drift(cloud(1), cloud(2)).detected


def test_false_alarms_are_as_rare_as_the_level_says():
    alarms = sum(drift(cloud(2 * s), cloud(2 * s + 1), level=0.05, min_effect=0).detected for s in range(100))  # fmt: skip
    assert alarms <= 12


def test_a_difference_that_is_certain_but_tiny_is_no_drift():
    first, second = cloud(1, 400), cloud(2, 400, centre=0.7)
    assert drift(first, second, min_effect=0.0).detected
    assert not drift(first, second).detected


@pytest.mark.parametrize("sizes", [(29, 100), (100, 29)])
def test_too_few_questions_say_nothing(sizes):
    assert drift(cloud(1, sizes[0]), cloud(2, sizes[1])) is None


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(30, 60), st.integers(30, 60))
def test_the_report_stays_in_its_bounds_and_is_symmetric_in_effect(seed, n, m):
    one, other = cloud(seed, n), cloud(seed + 1, m, centre=0.5)
    there, back = drift(one, other), drift(other, one)
    assert 0 < there.p_value <= 1
    assert 0 <= there.effect <= 1
    assert there.effect == pytest.approx(back.effect, abs=1e-6)
