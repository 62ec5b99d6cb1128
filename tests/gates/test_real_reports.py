"""Real results that nobody here wrote: each passes, and each one's corrupted copies fail with the right message.

The folder is named by TRIMTAB_GATES_DATA, or lies beside the repository; without it these tests are skipped.
"""

import os
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from trimtab.cli.gates import app
from trimtab.gates.supply_chain import Snapshot, audit

_NEAR = Path(__file__).parents[3] / "shared" / "data" / "gates"
_FAR = Path(__file__).parents[4] / "shared" / "data" / "gates"
DATA = Path(os.environ.get("TRIMTAB_GATES_DATA", _NEAR if _NEAR.is_dir() else _FAR))  # noqa: TID251 - the test run's own switch.
LOGS = sorted(DATA.glob("mlperf_training/*/results/*/*/result_*.txt"))
RESULTS = sorted(DATA.glob("lm_eval/**/results_*.json"))
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real reports at {DATA.name}")

CORRUPTED_LOGS = {
    "cut in the middle": lambda raw: raw[: len(raw) // 2],
    "aborted": lambda raw: raw.replace(b'"success"', b'"aborted"'),
    "no evaluation": lambda raw: raw.replace(b'"eval_accuracy"', b'"eval_nothing"'),
    "stopped twice": lambda raw: (
        raw + next(b"\n" + line for line in raw.split(b"\n") if b'"run_stop"' in line)
    ),
}
CORRUPTED_REPORTS = {
    "Cross-check mismatch": lambda report: report["results"][0].update(predictions_count=1),
    "Value out of range": lambda report: report["results"][0].update(accuracy=1.5),
    "Required field missing": lambda report: report["results"][0].pop("duration_s"),
    "Invalid JSON schema": lambda report: report["results"][0].update(status="GREAT"),
    "❌ Benchmark execution failed": lambda report: report["results"][0].update(status="ERROR"),
}


def _judge(path):
    # Without drift: nobody promoted a baseline for these.
    only = [
        word
        for gate in ("schema", "datasets", "benchmark", "plausibility")
        for word in ("--only", gate)
    ]
    done = CliRunner().invoke(app, ["run", str(path), "--json", "--dry-run", *only])
    return done.exit_code, orjson.loads(done.stdout)


def _imported(source, kind, tmp_path):
    report = tmp_path / "benchmark_report.json"
    done = CliRunner().invoke(app, ["import", str(source), "--from", kind, "-o", str(report)])
    return done.exit_code, report


@pytest.mark.parametrize("source", RESULTS, ids=lambda path: path.name[-20:])
def test_real_lm_eval_results_pass(source, tmp_path):
    code, report = _imported(source, "lm-eval", tmp_path)
    assert (code, _judge(report)[0]) == (0, 0)


@pytest.mark.parametrize("words", list(CORRUPTED_REPORTS))
def test_corrupted_copies_of_a_real_report_fail_with_the_right_message(words, tmp_path):
    for source, kind in ((RESULTS[0], "lm-eval"), (LOGS[0], "mlperf")):
        _, report = _imported(source, kind, tmp_path)
        body = orjson.loads(report.read_bytes())
        CORRUPTED_REPORTS[words](body)
        report.write_bytes(orjson.dumps(body))
        code, verdict = _judge(report)
        assert code == 1
        assert any(found["message"].startswith(words) for found in verdict["findings"])


def test_a_real_file_that_was_cut_is_refused(tmp_path):
    cut = DATA / "lm_eval" / "llama2_7b" / "lm_eval_results.json"
    assert _imported(cut, "lm-eval", tmp_path)[0] == 1


def test_a_real_fraction_is_a_whole_number_of_answers_and_its_neighbour_is_not(tmp_path):
    _, report = _imported(RESULTS[0], "lm-eval", tmp_path)
    body = orjson.loads(report.read_bytes())
    for key in ("samples_processed", "predictions_count"):
        body[key] = body["results"][0][key] = 163
    report.write_bytes(orjson.dumps(body))
    assert "plausibility.impossible_fraction" in {f["code"] for f in _judge(report)[1]["findings"]}


def test_every_real_training_log_passes(tmp_path):
    failed = []
    for source in LOGS:
        code, report = _imported(source, "mlperf", tmp_path)
        if code or _judge(report)[0]:
            failed.append(source)
    assert (failed, len(LOGS) >= 40) == ([], True)


@pytest.mark.parametrize("name", list(CORRUPTED_LOGS))
def test_no_corrupted_training_log_passes(name, tmp_path):
    passed = []
    for source in LOGS:
        log = tmp_path / "log.txt"
        log.write_bytes(CORRUPTED_LOGS[name](source.read_bytes()))
        _, report = _imported(log, "mlperf", tmp_path)
        if not report.exists():
            continue
        code, verdict = _judge(report)
        report.unlink()
        if code != 1 or not any(
            f["message"].startswith(("❌ Benchmark execution failed", "Required field missing"))
            for f in verdict["findings"]
        ):
            passed.append(source)
    assert passed == []


def test_the_shipped_snapshot_says_what_its_source_says():
    whole, shipped = Snapshot.load(DATA / "advisories" / "advisories.jsonl"), Snapshot.load()
    components = {"django": "3.2.1", "pillow": "9.0.0", "requests": "2.31.0", "numpy": "2.4.0"}
    assert [h.id for h in audit(components, whole)] == [h.id for h in audit(components, shipped)]
