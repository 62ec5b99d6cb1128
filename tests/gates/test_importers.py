"""Results of other tools become reports, and say what they do not know."""

import orjson
import pytest

from trimtab.gates import benchmark
from trimtab.gates.errors import EvidenceMissing, ImportRefused
from trimtab.gates.schema import check_report
from trimtab.gates.schema.importers import StatedValues, import_file
from trimtab.gates.schema.importers.read import import_text
from trimtab.gates.selftest.imports import sound_log

CURRENT = {
    "results": {"copa": {"alias": "copa", "acc,none": 0.84, "acc_stderr,none": 0.0368}},
    "config": {"random_seed": 0, "numpy_seed": 1234, "device": "cuda:0", "limit": None},
    "n-samples": {"copa": {"original": 100, "effective": 100}},
    "total_evaluation_time_seconds": "12.5",
    "model_name": "some/model",
}
# The form of the old harness: neither counts nor times; arc_easy has 2,376 questions.
OLD = {
    "results": {"arc_easy": {"acc": 0.2474747474747475, "acc_stderr": 0.008855114414834707}},
    "versions": {"arc_easy": 0},
}


def _lm_eval(document, **stated):
    return import_text(orjson.dumps(document), "results.json", "lm-eval", StatedValues(**stated))


def test_current_lm_eval_results_become_a_sound_report():
    imported = _lm_eval(CURRENT)
    checked = check_report(orjson.dumps(imported.report))
    assert (imported.missing, checked.findings) == ((), ())
    result = imported.report["results"][0]
    assert (
        result["accuracy"],
        result["samples_processed"],
        result["duration_s"],
        result["status"],
    ) == (0.84, 100, 12.5, "PASS")
    assert (imported.report["metrics"]["compute_mode"], imported.report["seeds"]["numpy_seed"]) == (
        "gpu",
        1234,
    )


def test_the_source_is_named_with_its_hash():
    source = _lm_eval(CURRENT).report["source"]
    assert (source["format"], source["file"], len(source["sha256"])) == (
        "lm-eval",
        "results.json",
        64,
    )


def test_a_group_is_kept_aside_so_that_no_sample_counts_twice():
    grouped = {**CURRENT, "group_subtasks": {"all": ["copa"]}}
    grouped["results"] = {**CURRENT["results"], "all": {"acc,none": 0.84}}
    report = _lm_eval(grouped).report
    assert [result["name"] for result in report["results"]] == ["copa"]
    assert "all" in report["extra"]["groups"]


def test_the_time_of_a_run_is_shared_among_its_tasks_by_samples():
    document = {
        **CURRENT,
        "results": {"copa": CURRENT["results"]["copa"], "rte": {"acc,none": 0.5}},
    }
    document["n-samples"] = {
        "copa": {"original": 100, "effective": 100},
        "rte": {"original": 300, "effective": 300},
    }
    imported = _lm_eval(document)
    assert [result["duration_s"] for result in imported.report["results"]] == [3.125, 9.375]
    assert imported.derived


def test_old_results_give_the_sample_count_that_their_error_implies():
    imported = _lm_eval(OLD, duration_s=60.0, compute_mode="cpu", seed=1)
    assert imported.report["results"][0]["samples_processed"] == 2376
    assert imported.missing == ()
    assert "samples_processed (from stderr)" in imported.report["source"]["stated_by_importer"]


def test_old_results_say_what_they_do_not_know():
    assert set(_lm_eval(OLD).missing) == {
        "$.results[0].duration_s",
        "$.metrics.compute_mode",
        "$.seeds",
    }


def test_nested_results_of_bigscience_are_read_run_by_run():
    nested = {"results": {"axb+GPT-3 style": {"2022-07-06": {"acc": 0.4393115942028985, "acc_stderr": 0.014943742111269614, "task_name": "axb", "prompt_name": "GPT-3 style"}}}}  # fmt: skip
    (result,) = _lm_eval(nested).report["results"]
    assert (result["name"], result["samples_processed"]) == ("axb+GPT-3 style 2022-07-06", 1104)


@pytest.mark.parametrize(
    ("metrics", "accuracy", "measure"),
    [
        ({"acc": 0.5, "acc_norm": 0.6}, 0.5, "proportion"),
        ({"em": 0.0, "f1": 0.2}, 0.0, "proportion"),
        ({"exact": 50.0, "f1": 55.0}, 0.5, "mean"),
        ({"mc2": 0.41}, 0.41, "mean"),
        ({"word_perplexity": 4.0}, 0.25, "derived"),
        ({"ppl": 2.0, "acc": 0.5}, 0.5, "proportion"),
    ],
)
def test_the_main_metric_is_the_first_that_is_a_fraction(metrics, accuracy, measure):
    (result,) = _lm_eval({"results": {"task": metrics}}).report["results"]
    assert (result["accuracy"], result["measure"]) == (accuracy, measure)


@pytest.mark.parametrize(
    "metrics", [{"mcc": -0.04}, {"likelihood_difference": 3.2}, {}, {"acc": 1.2}]
)
def test_a_task_without_a_fraction_has_no_accuracy_made_up(metrics):
    imported = _lm_eval({"results": {"task": metrics}})
    assert "accuracy" not in imported.report["results"][0]
    assert "$.results[0].accuracy" in imported.missing


def test_an_mlperf_log_becomes_a_passing_report(tmp_path):
    log = tmp_path / "sound_log.txt"
    log.write_text("\n".join(sound_log()) + "\n", encoding="utf-8")
    imported = import_file(log, "mlperf")
    assert check_report(orjson.dumps(imported.report)).findings == ()
    (result,) = imported.report["results"]
    assert (result["status"], result["accuracy"], result["samples_processed"]) == (
        "PASS",
        0.345,
        24781,
    )
    assert imported.report["seeds"] == {"seed": 4711}


def test_a_loss_becomes_the_mean_probability_of_the_right_token():
    lines = [
        line.replace("retinanet", "llama2_70b_lora").replace("0.345", "0.9") for line in sound_log()
    ]
    (result,) = import_text("\n".join(lines).encode(), "x", "mlperf").report["results"]
    assert (result["status"], result["measure"], round(result["accuracy"], 6)) == (
        "PASS",
        "derived",
        0.40657,
    )


def test_an_aborted_run_is_an_error_and_never_a_pass():
    lines = "\n".join(sound_log()).replace('"success"', '"aborted"')
    report = import_text(lines.encode(), "x", "mlperf").report
    assert (report["status"], report["results"][0]["status"]) == ("ERROR", "ERROR")


def test_lines_before_the_mark_belong_to_the_launcher():
    lines = "\n".join(f"0: {line}" for line in sound_log()) + "\n+ echo done\n"
    assert import_text(lines.encode(), "x", "mlperf").report["status"] == "PASS"


def _faults(edit):
    """Import the sound log after an edit of its lines; returns status and faults."""
    report = import_text("\n".join(edit(sound_log())).encode(), "x", "mlperf").report
    return report["status"], report["extra"].get("faults", [])


def _again(key, old="", new=""):
    """Repeat the line of a key right behind it, as another process would write it."""

    def edit(lines):
        at = next(i for i, line in enumerate(lines) if f'"key":"{key}"' in line)
        return [*lines[: at + 1], lines[at].replace(old, new), *lines[at + 1 :]]

    return edit


@pytest.mark.parametrize(
    ("edit", "faults"),
    [
        (_again("seed"), []),
        (_again("eval_samples"), []),
        (_again("seed", "4711", "4712"), ["seed occurs 2 times"]),
        (_again("global_batch_size", "256", "512"), ["global_batch_size occurs 2 times"]),
        (_again("run_start"), ["run_start occurs 2 times"]),
        (_again("run_stop"), ["run_stop occurs 2 times"]),
    ],
)
def test_each_rank_may_repeat_a_setting_but_the_run_starts_and_stops_once(edit, faults):
    assert _faults(edit) == ("ERROR" if faults else "PASS", faults)


def _without(*keys):
    return lambda lines: [line for line in lines if not any(f'"key":"{k}"' in line for k in keys)]


def _without_last(key):
    def edit(lines):
        at = max(i for i, line in enumerate(lines) if f'"key":"{key}"' in line)
        return [*lines[:at], *lines[at + 1 :]]

    return edit


@pytest.mark.parametrize(
    ("edit", "faults"),
    [
        (_without_last("epoch_stop"), []),
        (_without_last("epoch_start"), ["epoch_start 2 times, epoch_stop 3 times"]),
        (_without("epoch_stop"), ["epoch_start 3 times, epoch_stop 0 times"]),
        (
            _without_last("eval_stop"),
            ["eval_start 3 times, eval_stop 2 times", "3 evaluation results for 2 evaluations"],
        ),
    ],
)
def test_only_the_last_epoch_may_be_left_open(edit, faults):
    assert _faults(edit) == ("ERROR" if faults else "PASS", faults)


@pytest.mark.parametrize(("value", "status"), [("0.34", "PASS"), ("0.339", "ERROR")])
def test_an_evaluation_reaches_its_target_exactly(value, status):
    assert _faults(lambda lines: [line.replace("0.345", value) for line in lines])[0] == status


@pytest.mark.parametrize(("value", "status"), [("0.925", "PASS"), ("0.926", "ERROR"), ("0", "ERROR")])  # fmt: skip
def test_a_loss_reaches_its_target_from_above(value, status):
    def edit(lines):
        named = [line.replace("retinanet", "llama2_70b_lora") for line in lines]
        return [line.replace("0.345", value) for line in named]

    assert _faults(edit)[0] == status


@pytest.mark.parametrize(
    ("old", "new", "score"),
    [
        ("", "", {"metric": "eval_accuracy", "value": 0.345, "higher_is_better": True, "target": 0.34}),
        ("retinanet", "unheard_of", {"metric": "eval_accuracy", "value": 0.345, "higher_is_better": True}),
        ("0.345", "1.5", {"metric": "eval_accuracy", "value": 1.5, "higher_is_better": True, "target": 0.34}),
    ],
)  # fmt: skip
def test_a_score_is_kept_with_its_target_though_it_is_no_fraction(old, new, score):
    lines = [line.replace(old, new) if old else line for line in sound_log()]
    (result,) = import_text("\n".join(lines).encode(), "x", "mlperf").report["results"]
    assert result["score"] == score
    assert ("accuracy" in result) is (score["value"] <= 1)


@pytest.mark.parametrize("source", ["lm-eval", "mlperf", "junit"])
def test_a_file_of_another_kind_is_refused(source):
    with pytest.raises(ImportRefused):
        import_text(b"<xml/>", "x.xml", source)


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(EvidenceMissing):
        import_file(tmp_path / "none.json", "lm-eval")


def _task(**metrics):
    """A task whose second filter is better than its first."""
    better = {"exact_match,flexible-extract": 0.9, "acc_norm,none": 0.8, "f1,none": 0.7}
    return {**CURRENT, "results": {"copa": {"alias": "copa", **metrics, **better}}}


@pytest.mark.parametrize(
    ("metrics", "fault"),
    [
        ({"acc,none": None}, "$.results.copa.acc,none is null, not a number"),
        ({"acc,none": "0.84"}, '$.results.copa.acc,none is "0.84", not a number'),
        ({"acc,none": "N/A"}, '$.results.copa.acc,none is "N/A", not a number'),
        ({"acc,none": True}, "$.results.copa.acc,none is true, not a number"),
        ({"acc,none": [0.84]}, "$.results.copa.acc,none is [0.84], not a number"),
        ({"acc,none": 84.0}, "$.results.copa.acc,none is 84, not a fraction of right answers"),
        ({"acc,none": -0.1}, "$.results.copa.acc,none is -0.1, not a fraction of right answers"),
        ({"exact_match,strict-match": None}, "$.results.copa.exact_match,strict-match is null, not a number"),
    ],
)  # fmt: skip
def test_a_failed_measurement_is_an_error_and_nothing_takes_its_place(metrics, fault):
    imported = _lm_eval(_task(**metrics))
    (result,) = imported.report["results"]
    assert (result["status"], "accuracy" in result, imported.report["status"]) == (
        "ERROR",
        False,
        "ERROR",
    )
    assert imported.report["extra"]["faults"] == [fault]
    assert "$.results[0].accuracy" in imported.missing
    assert check_report(orjson.dumps(imported.report)).findings


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_value_that_is_not_json_is_refused_with_its_name_and_path(word):
    raw = orjson.dumps(CURRENT).replace(b"0.84", word.encode())
    with pytest.raises(ImportRefused) as refused:
        import_text(raw, "results.json", "lm-eval", StatedValues())
    assert f"{word} is not JSON" in refused.value.message
    assert "$.results.copa.acc,none" in refused.value.message


@pytest.mark.parametrize("stderr", [None, "N/A", 0, 1e-200, -1])
def test_a_missing_standard_error_leaves_the_accuracy_as_it_is(stderr):
    document = {**CURRENT, "results": {"copa": {"acc,none": 0.84, "acc_stderr,none": stderr}}}
    (result,) = _lm_eval(document).report["results"]
    assert (result["accuracy"], result["status"], result["samples_processed"]) == (
        0.84,
        "PASS",
        100,
    )


@pytest.mark.parametrize("stderr", [1e-200, 0, None])
def test_no_sample_count_follows_from_a_standard_error_that_fixes_none(stderr):
    document = {"results": {"task": {"acc": 0.25, "acc_stderr": stderr}}}
    assert "$.results[0].samples_processed" in _lm_eval(document).missing


@pytest.mark.parametrize(
    "counts",
    [0, "100", {"original": 100}, {"effective": None}, {"effective": 0}, {"effective": "100"}, {"effective": 100, "original": 99}],
)  # fmt: skip
def test_a_count_that_is_none_is_an_error(counts):
    imported = _lm_eval({**CURRENT, "n-samples": {"copa": counts}})
    assert imported.report["status"] == "ERROR"
    assert imported.report["extra"]["faults"][0].startswith("$.n-samples.copa")


@pytest.mark.parametrize("task", [{}, {"alias": "copa"}, {"unheard_of": 0.5}])
def test_a_task_without_a_known_metric_is_an_error(task):
    report = _lm_eval({**CURRENT, "results": {"copa": task}}).report
    assert (report["status"], "accuracy" in report) == ("ERROR", False)


def test_an_accuracy_that_the_source_does_not_state_is_found_out(world):
    source = world.root / "results.json"
    source.write_bytes(orjson.dumps(_task(**{"acc,none": None})))
    report = import_file(source, "lm-eval", StatedValues(seed=1)).report
    report["results"][0] |= {"accuracy": 0.9, "status": "PASS"}
    report |= {"accuracy": 0.9, "status": "PASS"}
    world.report_path.write_bytes(orjson.dumps(report))
    case = world.case(report)
    paths = {f.path for f in benchmark.check(case).findings if f.code == "benchmark.log_mismatch"}
    assert paths >= {"$.results.copa.accuracy", "$.results.copa.status"}
