"""The standard score of NAB, on detections whose worth can be told by hand."""

import json

import pytest

from trimtab.incidents.anomaly.evaluate import evaluate_anomalies
from trimtab.incidents.anomaly.nab import LabelledSeries, read_series, score_series, standard_score
from trimtab.incidents.errors import CasesRefused

SERIES = LabelledSeries("s", tuple(range(1000)), (0.0,) * 1000, ((400, 499), (700, 799)))


def points(*positions):
    return score_series(SERIES, positions).points


def test_no_detection_scores_0_and_each_window_at_its_start_100():
    assert standard_score([score_series(SERIES, ())]) == 0
    assert standard_score([score_series(SERIES, (400, 700))]) == pytest.approx(100)


def test_an_early_detection_is_worth_more_than_a_late_one_and_only_the_best_counts():
    assert points(400, 700) > points(450, 700) > points(499, 700) > points(700)
    assert points(400, 450, 499, 700) == points(400, 700)


def test_a_false_alarm_costs_011_and_less_right_after_a_window():
    assert points(400, 700) - points(200, 400, 700) == pytest.approx(0.11)
    assert points(400, 700) - points(400, 502, 700) < 0.02
    assert points(400, 700) - points(400, 699, 700) == pytest.approx(0.11, abs=0.001)


@pytest.mark.parametrize(("position", "counts"), [(149, False), (150, True)])
def test_the_first_15_percent_do_not_count(position, counts):
    assert score_series(SERIES, (position,)).false_alarms == int(counts)


def test_counts_are_told_apart():
    score = score_series(SERIES, (200, 300, 450))
    assert (score.windows, score.found, score.false_alarms) == (2, 1, 2)


def folder_of(tmp_path, values, windows=()):
    (tmp_path / "labels").mkdir()
    (tmp_path / "data" / "real").mkdir(parents=True)
    rows = [
        f"2026-03-{1 + n // 1440:02} {n % 1440 // 60:02}:{n % 60:02}:00" for n in range(len(values))
    ]
    lines = [f"{at},{value}" for at, value in zip(rows, values, strict=True)]
    (tmp_path / "data" / "real" / "cpu.csv").write_text("\n".join(["timestamp,value", *lines]))
    limits = [[f"{rows[a]}.000000", f"{rows[b]}.000000"] for a, b in windows]
    labels = {"real/cpu.csv": limits, "real/gone.csv": []}
    (tmp_path / "labels" / "combined_windows.json").write_text(json.dumps(labels))
    return tmp_path


def test_files_of_the_benchmark_are_read(tmp_path):
    (series,) = read_series(folder_of(tmp_path, [1.5] * 200, [(50, 60)]))
    assert (series.name, series.windows, len(series.values)) == ("real/cpu.csv", ((50, 60),), 200)
    assert series.times[1] - series.times[0] == 60


def test_the_shipped_detector_is_measured(tmp_path):
    values = [float(n % 7) for n in range(1200)]
    values[900:920] = [80.0] * 20
    found = evaluate_anomalies(folder_of(tmp_path, values, [(895, 925)]))
    assert found.standard_score > 90
    (group,) = found.groups
    assert (group.name, group.windows, group.found, group.false_alarms) == ("real", 1, 1, 0)


def test_a_folder_without_labels_or_with_a_broken_file_is_refused(tmp_path):
    with pytest.raises(CasesRefused, match="cannot be read"):
        read_series(tmp_path)
    folder_of(tmp_path, [1.0] * 10)
    (tmp_path / "data" / "real" / "cpu.csv").write_text("timestamp,value\nnever,1\n")
    with pytest.raises(CasesRefused, match="cannot be read"):
        read_series(tmp_path)
    (tmp_path / "data" / "real" / "cpu.csv").unlink()
    with pytest.raises(CasesRefused, match="No labelled series"):
        read_series(tmp_path)
