"""A verify proves something only when it fails on a service that is not measured or does nothing."""

import pytest

from trimtab.monitoring.errors import ExpressionRefused
from trimtab.monitoring.proofs import check_proof


def refusal(text, hold=30, give_up=900):
    with pytest.raises(ExpressionRefused) as caught:
        check_proof(text, hold, give_up)
    return caught.value.reason


@pytest.mark.parametrize(
    "text",
    ["absent(kb_error_rate > 0.01)", "absent(x)", "absent_over_time(x[5m])", "vector(0) == 0"],
)
def test_what_holds_without_data_proves_nothing(text):
    assert "empty database" in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "sum(increase(errors_total[1m])) == 0",
        "rate(errors_total[5m]) < 0.1",
        'increase(errors_total{code="a"}[1m]) == 0',
        "delta(errors_total[1m]) == 0",
        "sum(increase(errors_total[1m])) == 0 or on() up == 1",
    ],
)
def test_what_holds_while_nothing_happens_proves_nothing(text):
    assert "does nothing" in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "sum(increase(errors_total[1m])) == 0 and on() sum(increase(answers_given_total[1m])) > 0",
        "kb_database_integrity_ok == 1",
        "max(guardrail_failing) == 0",
        "kb_query_p99_latency_seconds < 0.5",
        "avg_over_time(kb_disk_used_ratio[5m]) < 0.8",
    ],
)
def test_what_needs_a_measured_value_may_be_a_verify(text):
    check_proof(text, 30, 900)


@pytest.mark.parametrize(("give_up", "fits"), [(330, True), (329, False)])
def test_the_window_and_the_hold_end_before_the_repair_is_given_up(give_up, fits):
    text = "avg_over_time(kb_disk_used_ratio[5m]) < 0.8"
    if fits:
        check_proof(text, 30, give_up)
    else:
        assert "looks back 300 s" in refusal(text, give_up=give_up)
