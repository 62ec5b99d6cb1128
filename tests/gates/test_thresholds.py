"""Both sides of the validators' thresholds, and the defaults that the documents promise."""

import csv
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from trimtab.gates import benchmark, datasets, drift, plausibility, process
from trimtab.gates.benchmark.check import _fixed, _times, _totals
from trimtab.gates.data_drift import _judge, data_findings, pin_bins, psi, read_table
from trimtab.gates.drift import Level, compare
from trimtab.gates.errors import EvidenceUnreadable
from trimtab.gates.matrix import HANDLING
from trimtab.gates.policy import DriftPolicy, GatePolicy
from trimtab.gates.records import Failure
from trimtab.gates.windows import FAMILIES, WINDOWS, Window, window_of

COPA, HUMANEVAL, QUESTIONS = 0, 1, 2


def codes(findings):
    return {found.code for found in findings}


def test_every_window_is_the_one_that_was_reviewed():
    with (Path(__file__).parent / "windows.tsv").open(encoding="utf-8", newline="") as file:
        reviewed = {
            row["name"]: (int(row["samples"] or 0), float(row["floor"]), float(row["best"]))
            for row in csv.DictReader(file, delimiter="\t")
        }
    known = {**WINDOWS, **FAMILIES}
    assert {n: (w.samples or 0, w.floor, w.best) for n, w in known.items()} == reviewed


def test_a_window_is_found_by_name_or_by_the_beginning_of_its_family():
    assert window_of("copa") is WINDOWS["copa"]
    assert window_of("mmlu_anatomy") is FAMILIES["mmlu_"]
    assert window_of("mmlu_pro") is WINDOWS["mmlu_pro"]
    assert window_of("something") is None


def test_the_defaults_of_the_policy():
    policy = GatePolicy()
    assert policy.require == ("schema", "benchmark", "plausibility")
    assert policy.warnings_block is False
    assert policy.datasets.default_min_samples == 1
    assert policy.benchmark.timeout_s == 86_400
    assert policy.benchmark.compute_modes == ("cpu", "gpu", "tpu", "npu", "mixed")
    assert (policy.benchmark.require_log, policy.benchmark.require_proof) == (False, False)
    assert policy.plausibility.z == 4.0
    assert policy.drift == DriftPolicy(
        accuracy_tolerance=0.02,
        z=1.96,
        duration_tolerance=0.25,
        memory_tolerance=0.25,
        psi_warning=0.2,
        psi_critical=0.3,
    )
    assert policy.supply_chain.advisory_max_age_days == 30
    assert policy.supply_chain.critical_cvss == 9.0
    assert (policy.process.approvals, policy.process.pin_actions) == (1, True)
    assert len(fields(policy)) == 9


@pytest.mark.feature("F072")
@pytest.mark.parametrize(
    ("was", "now", "samples", "level"),
    [
        (0.80, 0.7801, 10**7, Level.WARNING),
        (0.80, 0.78, 10**7, Level.WARNING),
        (0.80, 0.7799, 10**7, Level.CRITICAL),
        (0.80, 0.8201, 10**7, Level.WARNING),
        (0.80, 0.80, 10**7, Level.SAME),
        (0.80, 0.79, 100, Level.SAME),
        (0.80, 0.70, 100, Level.WARNING),
        (0.02 + 1e-12, 0.0, 10**7, Level.WARNING),
        (0.02 + 1.05e-12, 0.0, 10**7, Level.CRITICAL),
    ],
)
def test_a_drop_is_critical_beyond_the_tolerance_and_the_noise(was, now, samples, level):
    row = compare(
        "x",
        {"accuracy": was, "samples_processed": samples},
        {"accuracy": now, "samples_processed": samples},
        DriftPolicy(),
    )
    assert row.level is level
    assert row.change == now - was


@pytest.mark.parametrize(("z", "level"), [(7.0, Level.WARNING), (6.0, Level.CRITICAL)])
@pytest.mark.parametrize("exact", [False, True])
def test_a_change_of_exactly_the_noise_may_be_chance(z, level, exact):
    """At 16 samples each, a fall from 1.0 to 0.5 is this many standard errors, without a rounding error."""
    rules = DriftPolicy(z=3.2659863237109046 if exact else z / 2)
    was, now = ({"accuracy": a, "samples_processed": 16} for a in (1.0, 0.5))
    expected = Level.WARNING if exact else level
    assert compare("x", was, now, rules).level is expected
    inside = DriftPolicy(z=rules.z, accuracy_tolerance=0.6)
    same = Level.SAME if expected is Level.WARNING else Level.WARNING
    assert compare("x", was, now, inside).level is same


def test_the_noise_is_that_of_two_proportions_and_none_for_a_derived_measure():
    was, now = {"accuracy": 0.8, "samples_processed": 100}, {"samples_processed": 400}
    row = compare("x", was, {**now, "accuracy": 0.7}, DriftPolicy())
    assert row.noise == pytest.approx(1.96 * (0.72 * 0.28 * (1 / 100 + 1 / 400)) ** 0.5)
    derived = compare("x", was, {**now, "accuracy": 0.7, "measure": "derived"}, DriftPolicy())
    assert (derived.noise, derived.level) == (0.0, Level.CRITICAL)


@pytest.mark.parametrize(("fall", "level"), [(1e-12, Level.SAME), (1.05e-12, Level.WARNING)])
def test_a_derived_measure_may_move_by_what_arithmetic_rounds_off(fall, level):
    was = {"accuracy": fall, "samples_processed": 100}
    now = {"accuracy": 0.0, "samples_processed": 100, "measure": "derived"}
    assert compare("x", was, now, DriftPolicy()).level is level


@pytest.mark.parametrize(("factor", "found"), [(1.25, False), (1.26, True)])
def test_more_memory_counts_beyond_a_quarter(world, codes_of, factor, found):
    world.edit_result(lambda result: result.update(peak_memory_mb=100.0 * factor), QUESTIONS)
    assert ("drift.memory" in codes_of(drift.check)) is found


@pytest.mark.parametrize(("factor", "found"), [(1.24, False), (1.26, True)])
@pytest.mark.parametrize("repeats", [0, 2])
def test_a_slower_run_counts_beyond_a_quarter_when_it_was_repeated_too_rarely(
    world, codes_of, factor, found, repeats
):
    def slow(result):
        result["duration_s"] *= factor
        # So different that they would excuse anything, were they enough to tell.
        result["durations_s"] = [0.001, 100.0][:repeats]

    world.edit_result(slow, QUESTIONS)
    assert ("drift.slower" in codes_of(drift.check)) is found


@pytest.mark.parametrize(("seconds", "found"), [(30.0, False), (30.001, True)])
def test_a_run_may_be_slower_by_exactly_the_tolerance(seconds, found):
    was, now = ({"duration_s": duration, "samples_processed": 10} for duration in (20.0, seconds))
    rules = DriftPolicy(duration_tolerance=0.5)
    assert bool(list(drift._slower("mmlu", was, now, rules))) is found


@pytest.mark.parametrize(("repeats", "found"), [(2, True), (3, False)])
def test_three_repetitions_tell_the_spread_of_durations(world, codes_of, repeats, found):
    def slow(result):
        result["duration_s"] *= 2
        result["durations_s"] = [0.001, 1.0, 100.0][:repeats]

    world.edit_result(slow, QUESTIONS)
    assert ("drift.slower" in codes_of(drift.check)) is found


def report_of(*results, **changes):
    given = {
        "results": results,
        "samples_processed": sum(r["samples_processed"] for r in results),
        "predictions_count": sum(r["predictions_count"] for r in results),
        "accuracy": sum(r["accuracy"] for r in results) / len(results),
        "duration_s": sum(r["duration_s"] for r in results),
        "status": "PASS",
    }
    return {**given, **changes}


def result_of(name="a", **changes):
    given = {
        "name": name,
        "accuracy": 0.5,
        "samples_processed": 100,
        "predictions_count": 100,
        "duration_s": 10.0,
        "status": "PASS",
    }
    return {**given, **changes}


MISMATCH = {"benchmark.totals_mismatch"}


@pytest.mark.parametrize(
    ("report", "found"),
    [
        (report_of(result_of()), set()),
        (report_of(result_of(), result_of("b")), set()),
        (report_of(result_of(), result_of()), {"benchmark.name_doubled"}),
        (report_of(result_of(), samples_processed=101), MISMATCH),
        (report_of(result_of(), predictions_count=99), MISMATCH),
        (report_of(result_of(), accuracy=0.50049), set()),
        (report_of(result_of(), accuracy=0.50051), MISMATCH),
        (report_of(result_of(accuracy=0.0), accuracy=5e-4), set()),
        (report_of(result_of(), duration_s=10.0 * (1 - 0.9e-6)), set()),
        (report_of(result_of(), duration_s=10.0 * (1 - 1e-6)), set()),
        (report_of(result_of(), duration_s=10.0 * (1 - 1.05e-6)), MISMATCH),
        (report_of(result_of(), duration_s=1.001 * 10.0 + 3600), set()),
        (report_of(result_of(), duration_s=1.001 * 10.0 + 3600.01), MISMATCH),
        (report_of(result_of(duration_s=1e6), duration_s=1.0009e6 + 3600), set()),
        (report_of(result_of(duration_s=1e6), duration_s=1.0011e6 + 3600), MISMATCH),
        (report_of(result_of(status="PARTIAL")), MISMATCH),
        (report_of(result_of(status="PARTIAL"), status="PARTIAL"), set()),
    ],
)
def test_totals_fit_the_results_within_what_rounding_explains(report, found):
    assert codes(_totals(report)) == found


def test_the_accuracy_of_a_report_may_be_weighted_or_plain():
    both = (result_of(accuracy=1.0, samples_processed=300), result_of("b", accuracy=0.0))
    for accuracy, found in ((0.75, set()), (0.5, set()), (0.6, MISMATCH)):
        assert codes(_totals(report_of(*both, accuracy=accuracy))) == found


def timed(wall, duration=10.0, longest=10.0):
    return {
        "started_at": "2026-01-05T12:00:00+00:00",
        "finished_at": f"2026-01-05T12:{wall // 60:02d}:{wall % 60:02d}+00:00",
        "duration_s": duration,
        "results": [{"duration_s": longest}],
    }


IMPOSSIBLE = {"benchmark.duration_impossible"}


@pytest.mark.parametrize(
    ("report", "found"),
    [
        (timed(9), set()),
        (timed(9, longest=10.01), IMPOSSIBLE),
        (timed(100, duration=1.0, longest=1.0), set()),
        (timed(100, duration=0.99, longest=0.99), IMPOSSIBLE),
        (timed(10, duration=0.01, longest=0.01), set()),
        (timed(11, duration=0.01, longest=0.01), IMPOSSIBLE),
        ({**timed(0, longest=0.5), "finished_at": "2026-01-05T12:00:00+00:00"}, set()),
        ({**timed(0), "finished_at": "2026-01-05T11:59:59+00:00"}, {"benchmark.clock_back"}),
        ({**timed(0), "started_at": "2026-01-05T12:00:00+00:00"} | {"finished_at": None}, None),
    ],
)
def test_the_clock_of_a_run_fits_its_durations(report, found):
    if found is None:
        report.pop("finished_at")
        found = set()
    assert codes(_times(report)) == found


@pytest.mark.parametrize(
    ("name", "value", "fixed"),
    [
        ("PYTHONHASHSEED", "0", True),
        ("PYTHONHASHSEED", "random", False),
        ("OMP_NUM_THREADS", "0", False),
        ("OMP_NUM_THREADS", "1", True),
        ("OMP_NUM_THREADS", "2", True),
        ("OMP_NUM_THREADS", "", False),
    ],
)
def test_a_variable_is_fixed_by_a_number_that_fixes_something(name, value, fixed):
    assert _fixed(name, value) is fixed


@pytest.mark.parametrize(("share", "found"), [(1.049, False), (1.051, True), (0.951, False), (0.949, True)])  # fmt: skip
def test_throughput_fits_samples_and_duration_within_5_percent(world, codes_of, share, found):
    def move(result):
        result["throughput"] = result["samples_processed"] / result["duration_s"] * share

    world.edit_result(move, QUESTIONS)
    assert ("benchmark.duration_impossible" in codes_of(benchmark.check)) is found


@pytest.mark.parametrize(
    ("share", "found"), [(1.0098, False), (1.0102, True), (0.9902, False), (0.9898, True)]
)
def test_a_duration_fits_its_log_within_1_percent(world, codes_of, share, found):
    def move(result):
        result["duration_s"] *= share
        result.pop("throughput")

    world.edit_result(move, QUESTIONS)
    assert ("benchmark.log_mismatch" in codes_of(benchmark.check)) is found


@pytest.mark.feature("F080")
@pytest.mark.parametrize(
    ("low", "high", "samples", "name"),
    [(0.40 - 4 * (0.24 / 100) ** 0.5, 1.0, 100, "copa"), (0.0, 1.0, 1, "rte")],
)
def test_the_bounds_are_four_standard_errors_beyond_the_window(low, high, samples, name):
    found = plausibility.bounds(name, samples, GatePolicy())
    assert (found.low, found.high) == (pytest.approx(low), high)


def test_the_upper_bound_leaves_half_a_sample():
    found = plausibility.bounds("mmlu", 14042, GatePolicy())
    error = (0.94 * 0.06 / 14042) ** 0.5
    assert found.high == pytest.approx(0.94 + 4 * error + 0.5 / 14042)
    assert plausibility.bounds("unknown", 10, GatePolicy()) is None


@pytest.mark.parametrize(("samples", "found"), [(99, False), (100, True)])
def test_a_perfect_score_of_an_unknown_benchmark_is_too_good_from_100_samples_on(
    world, codes_of, samples, found
):
    perfect = {"accuracy": 1.0, "samples_processed": samples, "predictions_count": samples}
    world.edit_result(lambda result: result.update(perfect), QUESTIONS)
    assert ("plausibility.too_good" in codes_of(plausibility.check)) is found


@pytest.mark.parametrize(("samples", "found"), [(90, False), (89, True)])
def test_a_pass_needs_nine_tenths_of_a_benchmark(world, codes_of, samples, found):
    part = {"accuracy": 0.8, "samples_processed": samples, "predictions_count": samples}
    world.edit_result(lambda result: result.update(part), COPA)
    assert ("plausibility.too_few_samples" in codes_of(plausibility.check)) is found


@pytest.mark.parametrize(("samples", "found"), [(100, False), (101, True)])
def test_a_benchmark_has_no_more_samples_than_it_has(world, codes_of, samples, found):
    more = {"samples_processed": samples, "predictions_count": samples}
    world.edit_result(lambda result: result.update(more), COPA)
    assert ("plausibility.too_many_samples" in codes_of(plausibility.check)) is found


@pytest.mark.parametrize(("share", "found"), [(1.049, False), (1.051, True), (0.951, False), (0.949, True)])  # fmt: skip
def test_a_stated_error_fits_within_5_percent(world, codes_of, share, found):
    world.edit_result(lambda result: result.update(stderr=result["stderr"] * share), QUESTIONS)
    assert ("plausibility.stderr_mismatch" in codes_of(plausibility.check)) is found


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        (0o644, ""),
        (0o400, ""),
        (0o664, "datasets.world_writable"),
        (0o646, "datasets.world_writable"),
        (0o244, "datasets.permission_denied"),
    ],
)
def test_data_is_readable_for_its_owner_and_closed_to_others(world, codes_of, mode, code):
    (world.project.datasets / "questions" / "data.jsonl").chmod(mode)
    assert ("datasets.world_writable" in codes_of(datasets.check)) is (code == "datasets.world_writable")  # fmt: skip
    assert ("datasets.permission_denied" in codes_of(datasets.check)) is (code == "datasets.permission_denied")  # fmt: skip


@pytest.mark.parametrize(("reviewers", "found"), [(1, True), (2, False), (3, False)])
def test_a_change_needs_as_many_reviews_as_the_policy_says(world, codes_of, reviewers, found):
    policy = world.project.policy
    policy.write_text(policy.read_text() + "process: {approvals: 2}\n")
    world.change = {
        **world.change,
        "reviews": [
            {"user": f"u{number}", "state": "APPROVED", "commit": world.change["head"]}
            for number in range(reviewers)
        ],
    }
    assert ("process.approval_missing" in codes_of(process.check)) is found


def test_psi_is_the_documented_sum_less_its_floor():
    then = np.repeat(np.arange(10.0), 100).reshape(-1, 1)
    now = np.repeat(np.arange(10.0), [50, 150, *[100] * 8])
    (pinned,) = pin_bins(then)
    raw = (0.05 - 0.1) * np.log(0.05 / 0.1) + (0.15 - 0.1) * np.log(0.15 / 0.1)
    assert psi(pinned, now) == pytest.approx(max(0.0, raw - 9 * (1 / 1000 + 1 / 1000)), abs=1e-9)
    assert psi(pinned, then[:, 0]) == 0.0


def test_every_row_of_a_small_table_and_every_known_value_makes_its_bins():
    alternating = np.tile([0.0, 1.0], 50).reshape(-1, 1)
    assert set(pin_bins(alternating)[0].edges) >= {0.0, 1.0}
    missing = np.full((10, 1), np.nan)
    (pinned,) = pin_bins(missing)
    assert (pinned.edges.size, list(pinned.shares), pinned.rows) == (0, [0.0, 1.0], 10)
    assert psi(pinned, missing[:, 0]) == 0.0
    assert psi(pinned, alternating[:, 0]) > 1


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a,b\n1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("a,b\n1,2\n", [[1, 2]]),
        ("a\n1\n2\n", [[1], [2]]),
    ],
)
def test_a_table_of_text_begins_with_a_heading(tmp_path, text, values):
    (tmp_path / "x.csv").write_text(text)
    assert read_table(tmp_path / "x.csv").tolist() == values


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (np.ones((2, 3)), ""),
        (np.ones(3), r"x\.npy has shape \(3,\)"),
        (np.ones((2, 3, 4)), r"x\.npy has shape \(2, 3, 4\)"),
        (np.ones((0, 3)), r"x\.npy has shape \(0, 3\)"),
    ],
)
def test_a_saved_table_has_rows_and_columns(tmp_path, table, said):
    np.save(tmp_path / "x.npy", table)
    if not said:
        assert read_table(tmp_path / "x.npy").tolist() == table.tolist()
        return
    with pytest.raises(EvidenceUnreadable, match=said):
        read_table(tmp_path / "x.npy")


@pytest.mark.parametrize(("name", "text"), [("x.npy", "a,b\n1,2\n"), ("x.csv", "a,b\n1,2\n3\n"), ("none.csv", "")])  # fmt: skip
def test_what_is_no_table_is_said_so(tmp_path, name, text):
    if text:
        (tmp_path / name).write_text(text)
    with pytest.raises(EvidenceUnreadable, match="is not a table of numbers"):
        read_table(tmp_path / name)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0.199, None),
        (0.2, "drift.warning"),
        (0.299, "drift.warning"),
        (0.3, "drift.critical"),
    ],
)
def test_a_column_is_judged_by_its_index_from_each_threshold_on(value, code):
    assert [found.code for found in _judge("x", value, DriftPolicy())] == ([code] if code else [])


def test_a_column_that_moved_is_named_and_one_that_stayed_is_not():
    generator = np.random.default_rng(7)
    then = generator.normal(size=(20_000, 2))
    now = np.column_stack([generator.normal(size=20_000), generator.normal(2.0, size=20_000)])
    rows, found = data_findings(then, now, DriftPolicy(), ("stays",))
    assert [name for name, _ in rows] == ["stays", "column 1"]
    assert [(one.code, one.path) for one in found] == [("drift.critical", "column 1")]
    with pytest.raises(EvidenceUnreadable, match="2 columns then, 1 now"):
        data_findings(then, now[:, :1], DriftPolicy())


def test_every_failure_type_has_its_handling():
    assert set(HANDLING) == set(Failure)
    assert isinstance(WINDOWS["copa"], Window)
