"""Datasets, benchmark, plausibility, drift: the contract's messages, and the cases that a table of corruptions leaves out."""

import json
import re
import subprocess
import sys

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from trimtab.cli.gates import app
from trimtab.gates import benchmark, datasets, drift, plausibility
from trimtab.gates.benchmark.idhash import IdHash
from trimtab.gates.data_drift import pin_bins, psi
from trimtab.gates.drift import DriftRow, Level
from trimtab.gates.drift_report import svg
from trimtab.gates.errors import EvidenceMissing
from trimtab.gates.policy import DriftPolicy, GatePolicy
from trimtab.gates.records import GateState
from trimtab.gates.schema import check_report


def _messages(world, check):
    case = world.case(check_report(world.report_path.read_bytes()).report)
    return [found.message for found in check(case).findings]


@pytest.mark.feature("F044")
def test_a_changed_file_is_a_checksum_mismatch(world):
    (world.project.datasets / "questions" / "data.jsonl").write_text("{}\n" * 120)
    assert any(m.startswith("Checksum mismatch detected") for m in _messages(world, datasets.check))


@pytest.mark.feature("F043", "F056")
def test_the_policy_decides_how_many_samples_are_enough(world):
    text = world.project.policy.read_text()
    world.project.policy.write_text(text.replace("questions: 100", "questions: 500"))
    assert any(
        m.startswith("Minimum sample count not met: 122 samples")
        for m in _messages(world, datasets.check)
    )


@pytest.mark.feature("F055")
def test_too_few_samples_say_to_download_the_full_dataset():
    found = datasets.finding("datasets.too_few_samples", "x", "x")
    assert "Download the full dataset" in found.fix


@pytest.mark.feature("F045")
def test_a_dataset_that_the_report_names_must_be_there(world):
    (world.project.datasets / "questions").rename(world.root / "gone")
    assert any(m.startswith("Dataset not found") for m in _messages(world, datasets.check))


@pytest.mark.feature("F052")
def test_each_dataset_needs_its_manifest(world):
    (world.project.datasets / "golden" / "manifest.sha256").unlink()
    done = CliRunner().invoke(app, ["manifest", "list", "--project", str(world.root)])
    assert (done.exit_code, "missing" in done.output) == (1, True)


@pytest.mark.feature("F053")
def test_a_manifest_is_what_sha256sum_checks(world):
    folder = world.project.datasets / "questions"
    done = subprocess.run(
        ["sha256sum", "-c", "manifest.sha256"], cwd=folder, capture_output=True, check=False
    )
    assert done.returncode == 0


@pytest.mark.feature("F049", "F050")
def test_verifying_permissions_changes_nothing(world):
    path = world.project.datasets / "questions" / "data.jsonl"
    path.chmod(0o666)
    done = CliRunner().invoke(app, ["permissions", "--project", str(world.root)])
    assert (done.exit_code, path.stat().st_mode & 0o777) == (1, 0o666)


@pytest.mark.feature("F051")
def test_fixing_permissions_takes_writing_from_others(world):
    path = world.project.datasets / "questions" / "data.jsonl"
    path.chmod(0o666)
    CliRunner().invoke(app, ["permissions", "--fix", "--project", str(world.root)])
    assert path.stat().st_mode & 0o777 == 0o644


def test_an_empty_dataset_cannot_have_a_manifest(tmp_path):
    with pytest.raises(EvidenceMissing):
        datasets.create_manifest(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [("a.jsonl", "{}\n\n{}", 2), ("a.csv", 'h\n"x\ny"\nz\n', 2), ("a.json", "[1,2,3]", 3), ("a.json", '{"a":1}', 1), ("a.bin", "xx\n", 0)],
)  # fmt: skip
def test_samples_are_counted_as_each_format_writes_them(tmp_path, name, content, count):
    (tmp_path / name).write_text(content)
    assert datasets.count_samples(tmp_path) == count


@pytest.mark.feature("F068", "F060")
def test_predictions_must_equal_samples(world):
    world.edit_result(lambda result: result.update(predictions_count=99))
    assert any(
        m.startswith("Cross-check mismatch: copa: predictions_count 99, samples_processed 100")
        for m in _messages(world, benchmark.check)
    )


@pytest.mark.feature("F069")
def test_the_compute_mode_must_be_declared(world):
    world.edit_report(lambda report: report["metrics"].update(compute_mode="undeclared"))
    assert any(m.startswith("Missing compute mode") for m in _messages(world, benchmark.check))


@pytest.mark.feature("F059", "F062", "F063", "F064")
@pytest.mark.parametrize("name", ["PYTHONHASHSEED", "OMP_NUM_THREADS", "MKL_NUM_THREADS"])
def test_each_variable_must_be_recorded(world, name):
    world.edit_report(lambda report: report["environment"].pop(name))
    assert any(
        m.startswith("Reproducibility check failed") and name in m
        for m in _messages(world, benchmark.check)
    )


@pytest.mark.feature("F065")
def test_a_run_without_a_seed_is_not_reproducible(world):
    world.edit_report(lambda report: report.pop("seeds"))
    assert any("no seed is recorded" in m for m in _messages(world, benchmark.check))


@pytest.mark.feature("F058")
def test_status_error_fails_the_benchmark(world):
    world.edit_result(lambda result: result.update(status="ERROR"))
    assert any(
        m.startswith("❌ Benchmark execution failed") for m in _messages(world, benchmark.check)
    )


@pytest.mark.feature("F061", "F070", "F106", "F113")
def test_the_time_limit_is_the_policys(world):
    policy = world.project.policy
    policy.write_text(policy.read_text().replace("timeout_s: 600", "timeout_s: 0.0001"))
    assert any(
        m.startswith("Timeout or performance issues: copa took")
        for m in _messages(world, benchmark.check)
    )


@pytest.mark.feature("F067")
def test_the_log_reveals_a_prediction_that_is_missing(world):
    log = world.project.logs / "copa.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(line for line in lines if b'"prediction","id":"copa-7"' not in line))
    assert any("99 predictions for 100 samples" in m for m in _messages(world, benchmark.check))


@pytest.mark.feature("F139")
def test_every_line_of_a_structured_log_is_json(world):
    for line in (world.project.logs / "copa.jsonl").read_text().splitlines():
        json.loads(line)


@given(st.lists(st.text(max_size=8)), st.randoms())
def test_the_hash_of_ids_forgets_their_order_and_nothing_else(ids, random):
    def digest(values):
        bag = IdHash()
        for value in values:
            bag.add(value)
        return bag.hexdigest()

    shuffled = list(ids)
    random.shuffle(shuffled)
    assert digest(ids) == digest(shuffled)
    assert digest([*ids, "x"]) != digest(ids)


BENCH = """
import os, json, random, sys
report = json.load(open(sys.argv[1]))
if sys.argv[2] == "random":
    report["results"][0]["accuracy"] = 0.5
report["results"][0]["duration_s"] = 7.0
report["environment_seen"] = None
del report["environment_seen"]
assert os.environ["PYTHONHASHSEED"] == "0"
json.dump(report, open(os.environ["BENCHMARK_REPORT"], "w"))
"""


@pytest.mark.feature("F065")
@pytest.mark.parametrize(("kind", "code"), [("same", 0), ("random", 1)])
def test_a_second_run_in_another_process_proves_or_refutes(world, kind, code):
    script = world.root / "bench.py"
    script.write_text(BENCH)
    report = str(world.report_path)
    done = CliRunner().invoke(
        app, ["prove", report, "--", sys.executable, str(script), report, kind]
    )
    proof = orjson.loads(world.project.proof.read_bytes())
    assert (done.exit_code, proof["same"]) == (code, code == 0)


@pytest.mark.feature("F072", "F010")
def test_drift_inside_tolerance_is_a_warning_and_beyond_it_critical():
    rules = DriftPolicy(accuracy_tolerance=0.02)
    was = {"accuracy": 0.80, "samples_processed": 100_000}
    levels = [
        drift.compare("x", was, {"accuracy": now, "samples_processed": 100_000}, rules).level
        for now in (0.80, 0.799, 0.79, 0.77, 0.83)
    ]
    assert levels == ["same", "same", "warning", "critical", "warning"]


@pytest.mark.feature("F073", "F074")
def test_a_large_drop_is_critical_drift_and_an_accuracy_regression(world):
    world.edit_result(lambda result: result.update(accuracy=0.4), 2)
    messages = _messages(world, drift.check)
    assert any(m.startswith("❌ Critical drift beyond tolerance") for m in messages)
    assert any(m.startswith("Accuracy regression detected") for m in messages)


@pytest.mark.feature("F072")
def test_a_drop_that_few_samples_cannot_tell_is_a_warning(world):
    world.edit_result(lambda result: result.update(accuracy=0.775), 2)
    assert any(m.startswith("⚠️ Performance drift detected") for m in _messages(world, drift.check))


@pytest.mark.feature("F075")
def test_a_broken_baseline_fails_the_comparison(world):
    world.project.baseline.write_bytes(b"{")
    assert any(m.startswith("Baseline comparison failed") for m in _messages(world, drift.check))


@pytest.mark.feature("F082", "F083")
def test_a_wider_tolerance_needs_its_justification(world):
    policy = world.project.policy
    policy.write_text(policy.read_text() + "drift:\n  tolerances: {questions: 0.5}\n")
    done = CliRunner().invoke(app, ["run", str(world.report_path)])
    assert (done.exit_code, "has no justification" in done.output) == (2, True)
    policy.write_text(policy.read_text() + "  justifications: {questions: new tokenizer}\n")
    world.edit_result(lambda result: result.update(accuracy=0.4), 2)
    assert not any("Critical drift" in m for m in _messages(world, drift.check))


@pytest.mark.feature("F084")
def test_a_regression_says_to_investigate_code_changes():
    assert "Investigate code changes" in datasets.finding("drift.accuracy_regression", "x", "x").fix


@pytest.mark.feature("F085", "F086")
def test_a_change_of_data_says_to_verify_it_and_to_look_upstream(world):
    world.edit_result(lambda result: result["dataset"].update(manifest_sha256="0" * 64), 2)
    case = world.case(check_report(world.report_path.read_bytes()).report)
    (found,) = [f for f in drift.check(case).findings if f.code == "drift.data_changed"]
    assert "verify its integrity" in found.fix
    assert "upstream" in found.fix


@pytest.mark.feature("F104", "F105")
def test_slower_runs_and_more_memory_call_for_a_performance_review(world):
    world.edit_result(lambda r: r.update(duration_s=r["duration_s"] * 2, peak_memory_mb=500.0))
    case = world.case(check_report(world.report_path.read_bytes()).report)
    found = {f.code: f.team for f in drift.check(case).findings}
    assert found == {"drift.slower": "@performance-team", "drift.memory": "@performance-team"}


def test_without_a_baseline_there_is_nothing_to_compare_with(world):
    for path in (
        world.project.baseline,
        world.project.baseline_approval,
        world.project.used_approvals,
    ):
        path.unlink()
    assert (
        drift.check(world.case(check_report(world.report_path.read_bytes()).report)).state
        is GateState.SKIPPED
    )


@pytest.mark.feature("F080", "F081")
def test_the_window_of_mmlu_widens_with_fewer_samples():
    whole, part = (
        plausibility.bounds("mmlu", 14042, GatePolicy()),
        plausibility.bounds("mmlu", 50, GatePolicy()),
    )
    assert part.low < whole.low < 0.25 < whole.high < part.high
    assert "arXiv:2009.03300" in whole.window.source


@example(16, 1, 3)
@given(st.integers(1, 2000), st.integers(0, 2000), st.integers(3, 17))
def test_every_true_fraction_is_possible_however_it_is_rounded(samples, right, digits):
    accuracy = round(min(right, samples) / samples, digits)
    result = {
        "name": "x",
        "measure": "proportion",
        "samples_processed": samples,
        "accuracy": accuracy,
    }
    assert list(plausibility._whole_numbers(result, "$")) == []


def test_psi_is_about_zero_for_the_same_distribution_and_large_after_a_shift():
    random = np.random.default_rng(0)
    then, same, other = (
        random.normal(size=(5000, 1)),
        random.normal(size=(5000, 1)),
        random.normal(1.0, size=(5000, 1)),
    )
    (bins,) = pin_bins(then)
    assert psi(bins, same[:, 0]) < 0.01
    assert psi(bins, other[:, 0]) > 0.3


def test_missing_values_are_a_bin_of_their_own():
    then = np.arange(1000.0).reshape(-1, 1)
    now = then.copy()
    now[:300] = np.nan
    (bins,) = pin_bins(then)
    assert psi(bins, now[:, 0]) > 0.3


def test_the_drift_report_has_a_table_and_a_picture(world, tmp_path):
    world.edit_result(lambda result: result.update(accuracy=0.4), 2)
    output = tmp_path / "drift.md"
    CliRunner().invoke(
        app,
        ["drift", "-r", str(world.report_path), "--project", str(world.root), "-o", str(output)],
    )
    assert "| ❌ | questions | 0.8000 | 0.4000 |" in output.read_text()
    assert "<circle" in output.with_suffix(".svg").read_text()


def test_the_picture_of_the_drift_shows_each_change_on_a_line_around_the_middle():
    rows = [
        DriftRow("questions", 0.8, 0.4, 0.05, 0.1, Level.CRITICAL, "It fell."),
        DriftRow("answers", 0.5, 0.5, 0.05, 0.1, Level.SAME, "It is the same."),
    ]
    picture = svg(rows)
    assert 'width="720" height="96"' in picture
    # The largest change with its noise, 0.45, lies at ten elevenths of half the plot's 480.
    dots = re.findall(r'<circle cx="([\d.]+)" cy="(\d+)"', picture)
    assert dots == [("266.1", "24"), ("460.0", "48")]
