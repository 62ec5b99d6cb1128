"""The names of the MISO runbook judge the project as it is: each finding that they must return."""

import shutil

import numpy as np
import pytest

from trimtab.cli.compat.runbook_names import DatasetValidator, DriftDetector
from trimtab.gates.datasets import count_samples


def codes(findings):
    return {found.code for found in findings}


def table(path, rows):
    np.save(path, np.asarray(rows, np.float64))
    return path


@pytest.fixture
def datasets(world):
    return DatasetValidator(world.root)


@pytest.fixture
def dataset(world):
    (name, *_) = world.project.dataset_names()
    return world.project.datasets / name


def test_checksums_of_untouched_datasets_have_no_finding(datasets):
    assert datasets.validate_checksums() == ()


def test_a_changed_file_of_a_dataset_is_a_finding_of_its_checksum(datasets, dataset):
    file = next(path for path in dataset.iterdir() if path.name != "manifest.sha256")
    file.write_bytes(file.read_bytes() + b" ")
    (found,) = datasets.validate_checksums()
    assert (found.code, file.name in f"{found.path} {found.message}") == (
        "datasets.checksum_mismatch",
        True,
    )


def test_a_lost_manifest_is_a_finding(datasets, dataset):
    (dataset / "manifest.sha256").unlink()
    assert codes(datasets.validate_checksums()) == {"datasets.manifest_missing"}


def test_no_dataset_at_all_is_a_finding_of_both_validators(datasets, world):
    for name in world.project.dataset_names():
        (world.project.datasets / name).rename(world.root / f"moved-{name}")
    assert codes(datasets.validate_checksums()) == {"datasets.not_found"}
    assert codes(datasets.validate_sample_counts()) == {"datasets.not_found"}


@pytest.mark.parametrize(("missing", "wanted"), [(0, set()), (1, {"datasets.too_few_samples"})])
def test_a_dataset_below_the_least_number_of_samples_is_a_finding(
    datasets, world, dataset, missing, wanted
):
    count = count_samples(dataset)
    world.project.policy.write_text(
        f"datasets:\n  min_samples:\n    {dataset.name}: {count + missing}\n"
    )
    assert codes(datasets.validate_sample_counts()) == wanted


def test_a_report_like_the_baseline_has_not_drifted(world):
    assert codes(DriftDetector(world.root).analyze(world.report_path)) == set()


def test_a_report_worse_than_the_baseline_has_drifted_in_the_metric_that_is_asked_for(world):
    world.edit_result(lambda result: result.update(accuracy=result["accuracy"] - 0.2))
    detector = DriftDetector(world.root)
    found = detector.analyze(world.report_path, ["accuracy"])
    assert codes(found) == {"drift.critical", "drift.accuracy_regression"}
    assert detector.analyze(world.report_path, ["duration_s"]) == ()


def test_a_report_that_is_none_has_the_schemas_findings(world):
    world.report_path.write_text("{}")
    found = DriftDetector(world.root).analyze(world.report_path)
    assert {code.partition(".")[0] for code in codes(found)} == {"schema"}


@pytest.mark.parametrize("metrics", [(), ("accuracy",)])
def test_a_baseline_that_is_gone_is_a_finding_whatever_is_asked_for(world, metrics):
    world.project.baseline.unlink()
    found = DriftDetector(world.root).analyze(world.report_path, metrics)
    assert codes(found) == {"drift.comparison_failed"}


@pytest.mark.parametrize("metrics", [(), ("accuracy",)])
def test_without_a_baseline_nothing_is_judged_and_that_is_a_finding(world, metrics):
    shutil.rmtree(world.root / "baseline")
    found = DriftDetector(world.root).analyze(world.report_path, metrics)
    assert codes(found) == {"drift.no_baseline"}


def test_a_benchmark_that_was_dropped_is_a_finding_of_every_metric(world):
    world.edit_report(lambda report: report["results"].pop())
    found = DriftDetector(world.root).analyze(world.report_path, ["duration_s"])
    assert "drift.benchmark_dropped" in codes(found)


def test_a_column_that_moved_has_drifted_and_one_that_did_not_has_not(world, tmp_path):
    rng = np.random.default_rng(3)
    then = rng.normal(size=(2000, 2))
    now = np.column_stack([rng.normal(size=2000), rng.normal(3, 1, size=2000)])
    found = DriftDetector(world.root).analyze_data(
        table(tmp_path / "then.npy", then), table(tmp_path / "now.npy", now)
    )
    assert [("column 1" in f"{one.path} {one.message}") for one in found] == [True]
    same = DriftDetector(world.root).analyze_data(
        tmp_path / "then.npy", table(tmp_path / "same.npy", then)
    )
    assert same == ()
