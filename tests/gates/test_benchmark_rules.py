"""Each rule of the benchmark and the plausibility gate: its code, its place and how severe it is."""

import math
from dataclasses import replace

import orjson
import pytest

from trimtab.gates import benchmark, plausibility
from trimtab.gates.benchmark import BenchmarkLogger
from trimtab.gates.policy import GatePolicy
from trimtab.gates.records import GateState
from trimtab.gates.schema.importers import StatedValues, import_file
from trimtab.kernel.ids import sha256_hex
from trimtab.testing.clock import FakeClock

Q = "$.results[2]"
OTHER_HASH = "sha256:" + "0" * 64
CRITICAL, WARNING, LOW = "critical", "warning", "low"


@pytest.fixture
def found(world):
    """Judges the world's report after an edit; what every change of the results breaks is left out."""

    def judge(check, edit=lambda report: None, policy=None):
        report = world.report()
        edit(report)
        case = world.case(report)
        case = replace(case, policy=policy(case.policy)) if policy else case
        findings = check(case).findings
        return {
            (f.code, f.severity.value, f.path)
            for f in findings
            if f.code != "benchmark.not_reproduced"
        }

    return judge


def result(**changes):
    """Changes the result of the questions."""
    return lambda report: report["results"][2].update(changes)


def both(*edits):
    return lambda report: [edit(report) for edit in edits]


def top(**changes):
    return lambda report: report.update(changes)


def without(*keys):
    return lambda report: [report["results"][2].pop(key) for key in keys]


def strictness(**changes):
    return lambda policy: replace(policy, benchmark=replace(policy.benchmark, **changes))


MODE = "$.metrics.compute_mode"
STATUS = ("benchmark.totals_mismatch", CRITICAL, "$.status")
RULES = [
    (lambda r: None, set()),
    (lambda r: r["metrics"].update(compute_mode="undeclared"),
     {("benchmark.compute_mode_missing", CRITICAL, MODE)}),
    (lambda r: r["metrics"].update(compute_mode="abacus"),
     {("benchmark.compute_mode_unknown", CRITICAL, MODE)}),
    (top(seeds={}), {("benchmark.seed_missing", CRITICAL, "$.seeds")}),
    (top(environment={}), {("benchmark.environment_missing", CRITICAL, "$.environment")}),
    (lambda r: r["environment"].update(OMP_NUM_THREADS="0"),
     {("benchmark.environment_unfixed", CRITICAL, "$.environment.OMP_NUM_THREADS")}),
    (result(status="ERROR"), {("benchmark.error_status", CRITICAL, f"{Q}.status"), STATUS}),
    (result(status="PARTIAL"), {("benchmark.partial_status", WARNING, f"{Q}.status"), STATUS}),
    (both(result(status="PARTIAL"), top(status="PARTIAL")),
     {("benchmark.partial_status", WARNING, f"{Q}.status")}),
    (both(result(predictions_count=119), top(predictions_count=383)),
     {("benchmark.count_mismatch", CRITICAL, f"{Q}.predictions_count"),
      ("benchmark.log_mismatch", CRITICAL, f"{Q}.predictions_count")}),
    (both(result(predictions_count=119, status="ERROR"), top(predictions_count=383, status="ERROR")),
     {("benchmark.error_status", CRITICAL, f"{Q}.status"),
      ("benchmark.log_mismatch", CRITICAL, f"{Q}.predictions_count")}),
    (result(predictions_hash=OTHER_HASH),
     {("benchmark.ids_mismatch", CRITICAL, f"{Q}.predictions_hash")}),
    (result(samples_hash=OTHER_HASH),
     {("benchmark.ids_mismatch", CRITICAL, f"{Q}.predictions_hash"),
      ("benchmark.ids_mismatch", CRITICAL, f"{Q}.samples_hash")}),
    (both(result(samples_hash=OTHER_HASH), without("predictions_hash")),
     {("benchmark.ids_mismatch", CRITICAL, f"{Q}.samples_hash")}),
    (without("samples_hash", "predictions_hash", "throughput"), set()),
    (result(log={"path": "logs/none.jsonl", "sha256": "0" * 64}),
     {("benchmark.log_missing", CRITICAL, f"{Q}.log")}),
    (result(log={"path": "../outside.jsonl", "sha256": "0" * 64}),
     {("benchmark.log_missing", CRITICAL, f"{Q}.log")}),
    (result(log={"path": "logs", "sha256": "0" * 64}),
     {("benchmark.log_missing", CRITICAL, f"{Q}.log")}),
    (lambda r: r["results"][2]["log"].update(sha256="0" * 64),
     {("benchmark.log_broken", CRITICAL, f"{Q}.log")}),
    (without("log"), set()),
    (both(without("log"), result(name="nested/questions")),
     {("benchmark.log_missing", CRITICAL, f"{Q}.log")}),
    (both(without("log"), result(name="unlogged")),
     {("benchmark.log_missing", CRITICAL, f"{Q}.log")}),
    (result(accuracy=0.8 + 0.00049), set()),
    (result(accuracy=0.8 + 0.00051), {("benchmark.log_mismatch", CRITICAL, f"{Q}.accuracy")}),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "expected"), RULES)
def test_each_broken_rule_of_a_run_is_a_finding_at_its_place(found, edit, expected):
    assert found(benchmark.check, edit) == expected


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (top(seeds={}), ("benchmark.seed_missing", WARNING, "$.seeds")),
        (top(environment={}), ("benchmark.environment_missing", WARNING, "$.environment")),
        (
            top(environment={}, source={"format": "other", "file": "x.json", "sha256": ""}),
            ("benchmark.environment_missing", LOW, "$.environment"),
        ),
    ],
)
def test_a_setting_weighs_less_where_no_proof_is_asked_for(found, edit, expected):
    assert found(benchmark.check, edit, strictness(require_proof=False)) == {expected}


def test_only_the_variables_of_the_policy_must_be_recorded(found):
    edit = top(environment={"PYTHONHASHSEED": "0"})
    policy = strictness(environment=("PYTHONHASHSEED",))
    assert found(benchmark.check, edit, policy) == set()


@pytest.mark.parametrize(("seconds", "late"), [(600, False), (600.01, True)])
def test_a_run_may_take_exactly_its_limit(found, seconds, late):
    late_at = ("benchmark.timeout", WARNING, f"{Q}.duration_s")
    assert (late_at in found(benchmark.check, result(duration_s=seconds))) is late


def test_a_benchmark_may_have_a_limit_of_its_own(found):
    own = strictness(timeouts_s={"questions": 0.001}, timeout_s=600)
    assert found(benchmark.check, policy=own) == {("benchmark.timeout", WARNING, f"{Q}.duration_s")}


def test_a_log_is_not_asked_for_where_the_policy_asks_for_none(found):
    edit = both(without("log"), result(name="unlogged"))
    assert found(benchmark.check, edit, strictness(require_log=False)) == set()


def test_the_gate_counts_results_and_logs(world):
    report = world.report()
    report["results"][2].pop("log")
    report["results"][2]["name"] = "unlogged"
    judged = benchmark.check(world.case(report))
    assert (judged.gate, judged.state, dict(judged.facts)) == (
        "benchmark",
        GateState.RAN,
        {"results": 3, "logs": 2},
    )


@pytest.mark.parametrize(
    ("predicted", "codes"),
    [
        (["q0", "q1"], set()),
        (["q0", "q2"], {("benchmark.ids_mismatch", Q)}),
        (["q0"], {("benchmark.count_mismatch", Q)}),
    ],
)
def test_a_log_predicts_the_ids_that_it_read(world, predicted, codes):
    with BenchmarkLogger("other", folder=world.project.logs, clock=world.clock) as log:
        log.start(seeds={"python": 0}, environment={}, compute_mode="cpu")
        for name in ("q0", "q1"):
            log.sample(name)
        for name in predicted:
            log.prediction(name, correct=True)
        entry = log.result()
    report = world.report()
    report["results"][2].pop("log")
    report["results"][2].update(entry, name="other")
    found = {(f.code, f.path) for f in benchmark.check(world.case(report)).findings}
    assert {one for one in found if one[1] == Q} == codes


@pytest.mark.parametrize(("accuracy", "differs"), [(5e-4, False), (5.1e-4, True)])
def test_an_accuracy_differs_from_its_log_by_no_more_than_rounding(world, accuracy, differs):
    with BenchmarkLogger("other", folder=world.project.logs, clock=world.clock) as log:
        log.start(seeds={"python": 0}, environment={}, compute_mode="cpu")
        log.sample("q0")
        log.prediction("q0", correct=False)
        entry = log.result()
    report = world.report()
    report["results"][2].pop("log")
    report["results"][2].update(entry, name="other", accuracy=accuracy)
    found = {(f.code, f.path) for f in benchmark.check(world.case(report)).findings}
    assert (("benchmark.log_mismatch", f"{Q}.accuracy") in found) is differs


def test_a_log_without_a_result_is_broken(world):
    with BenchmarkLogger("other", folder=world.project.logs, clock=world.clock) as log:
        log.start(seeds={"python": 0}, environment={}, compute_mode="cpu")
    report = world.report()
    report["results"][2].pop("log")
    report["results"][2]["name"] = "other"
    found = {(f.code, f.path) for f in benchmark.check(world.case(report)).findings}
    assert ("benchmark.log_broken", Q) in found


def test_a_run_without_time_and_samples_has_finite_figures_and_a_line_in_the_plain_log(world):
    with BenchmarkLogger("other", folder=world.project.logs, clock=FakeClock()) as log:
        log.start(seeds={}, environment={}, compute_mode="cpu")
        entry = log.result()
    assert (entry["accuracy"], entry["duration_s"], entry["throughput"]) == (0.0, 1e-9, 0.0)
    (line,) = (world.project.logs / "other.log").read_text().splitlines()
    assert line.endswith(" INFO other duration_s=0.000000 throughput=0.000 status=PASS")


@pytest.mark.parametrize("gate", [benchmark, plausibility])
def test_a_report_that_is_not_usable_is_not_judged(world, gate):
    judged = gate.check(world.case(None))
    assert (judged.gate, judged.state, judged.reason) == (
        gate.__name__.rpartition(".")[2],
        GateState.SKIPPED,
        "the report is not usable",
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "benchmark.proof_missing"),
        (b"[]", "benchmark.proof_missing"),
        (b"{}", "benchmark.proof_missing"),
        (None, "benchmark.proof_missing"),
    ],
)
def test_a_proof_is_one_record_about_this_report(world, content, code):
    if content is None:
        world.project.proof.unlink()
    else:
        world.project.proof.write_bytes(content)
    findings = benchmark.check(world.case(world.report())).findings
    assert [(f.code, f.path) for f in findings] == [(code, "reproducibility.json")]


@pytest.mark.parametrize("key", ["first", "second"])
def test_both_runs_of_a_proof_gave_the_results_of_the_report(world, key):
    world.edit_json(world.project.proof, lambda proof: proof.update({key: "0" * 64}))
    findings = benchmark.check(world.case(world.report())).findings
    assert [(f.code, f.path) for f in findings] == [
        ("benchmark.not_reproduced", "reproducibility.json")
    ]


def test_a_proof_that_is_not_asked_for_may_be_missing_but_not_wrong(world, found):
    policy = strictness(require_proof=False)
    world.edit_json(world.project.proof, lambda proof: proof.update(report_sha256="0" * 64))
    place = ("benchmark.proof_missing", CRITICAL, "reproducibility.json")
    assert found(benchmark.check, policy=policy) == {place}
    world.project.proof.unlink()
    assert found(benchmark.check, policy=policy) == set()


@pytest.fixture
def imported(world):
    """A report that was imported from a file beside it."""
    task = {"acc,none": 0.84, "alias": "copa"}
    counts = {"copa": {"original": 100, "effective": 100}}
    (world.project.logs / "copa.jsonl").unlink()
    source = world.root / "results.json"
    source.write_bytes(orjson.dumps({"results": {"copa": task}, "n-samples": counts}))
    return source, import_file(source, "lm-eval", StatedValues(seed=1, duration_s=5.0)).report


def mismatches(world, report):
    findings = benchmark.check(world.case(report)).findings
    return {f.path for f in findings if f.code == "benchmark.log_mismatch"}


@pytest.mark.parametrize(
    ("key", "value"), [("accuracy", 0.85), ("status", "PARTIAL"), ("samples_processed", 90)]
)
def test_an_imported_result_says_what_its_source_says(world, imported, key, value):
    _, report = imported
    assert mismatches(world, report) == set()
    report["results"][0][key] = value
    assert mismatches(world, report) == {f"$.results.copa.{key}"}


def test_a_source_that_changed_or_broke_after_the_import_is_named(world, imported):
    source, report = imported
    source.write_bytes(source.read_bytes() + b" ")
    assert mismatches(world, report) == {"$.source"}
    source.write_bytes(b"{")
    report["source"]["sha256"] = sha256_hex(source.read_bytes())
    assert mismatches(world, report) == {"$.source"}


@pytest.mark.parametrize(
    "changes", [{"format": "junit"}, {"file": "../results.json"}, {"file": "gone.json"}]
)
def test_a_source_that_cannot_be_imported_again_is_left_alone(world, imported, changes):
    _, report = imported
    report["source"].update(changes, sha256="0" * 64)
    assert mismatches(world, report) == set()


P = "plausibility."
SHARES = [
    (result(accuracy=0.8, samples_processed=120), set()),
    (result(benchmark="copa", samples_processed=120),
     {(f"{P}too_many_samples", CRITICAL, f"{Q}.samples_processed")}),
    (result(benchmark="copa", samples_processed=80),
     {(f"{P}too_few_samples", WARNING, f"{Q}.samples_processed")}),
    (result(benchmark="copa", samples_processed=90), set()),
    (result(benchmark="copa", samples_processed=80, status="PARTIAL"), set()),
    (result(benchmark="copa", samples_processed=100, accuracy=0.1),
     {(f"{P}below_chance", CRITICAL, f"{Q}.accuracy")}),
    (result(benchmark="copa", samples_processed=100, accuracy=0.1, measure="derived"), set()),
    (result(benchmark="copa", samples_processed=100, accuracy=0.1, status="ERROR"), set()),
    (result(benchmark="mmlu", samples_processed=14042, accuracy=0.99),
     {(f"{P}too_good", CRITICAL, f"{Q}.accuracy")}),
    (result(accuracy=1.0, samples_processed=100), {(f"{P}too_good", CRITICAL, f"{Q}.accuracy")}),
    (result(accuracy=1.0, samples_processed=100, measure="derived"), set()),
    (result(accuracy=0.99, samples_processed=100), set()),
    (result(accuracy=0.805, measure="proportion"),
     {(f"{P}impossible_fraction", CRITICAL, f"{Q}.accuracy")}),
    (result(accuracy=0.805, measure="mean"), set()),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "expected"), SHARES)
def test_each_number_that_cannot_be_is_a_finding_at_its_place(found, edit, expected):
    edit = both(without("stderr"), edit)
    assert found(plausibility.check, edit) == expected


def test_an_accuracy_of_exactly_the_least_that_is_plausible_is_none_too_low(found):
    least = plausibility.bounds("copa", 100, GatePolicy()).low
    assert 0 < least < 0.5
    for accuracy, low in ((least, False), (math.nextafter(least, 0), True)):
        edit = result(benchmark="copa", samples_processed=100, accuracy=accuracy, measure="mean")
        codes = {code for code, *_ in found(plausibility.check, both(without("stderr"), edit))}
        assert (f"{P}below_chance" in codes) is low


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"measure": "proportion"}, False),
        ({"measure": "proportion", "stderr": 0.05}, True),
        ({"measure": "mean", "stderr": 0.05}, False),
        ({"measure": "proportion", "accuracy": 1.0, "stderr": 1e-9}, False),
        ({"measure": "proportion", "accuracy": 1.0, "stderr": 1.1e-9}, True),
        ({"measure": "proportion", "samples_processed": 1, "accuracy": 1.0, "stderr": 0.0}, False),
        ({"measure": "proportion", "samples_processed": 2, "accuracy": 0.5, "stderr": 0.5}, False),
    ],
)
def test_the_error_of_a_proportion_follows_from_accuracy_and_samples(found, changes, wrong):
    place = (f"{P}stderr_mismatch", CRITICAL, f"{Q}.stderr")
    assert (place in found(plausibility.check, result(**changes))) is wrong


def test_the_plausibility_gate_counts_the_benchmarks_it_knows(world):
    judged = plausibility.check(world.case(world.report()))
    assert (judged.gate, judged.state, dict(judged.facts)) == (
        "plausibility",
        GateState.RAN,
        {"known_benchmarks": 2},
    )


@pytest.mark.parametrize(
    ("samples", "accuracy", "possible"),
    [
        (8, 0.625, True),
        (8, 0.62, True),
        (8, 0.61, False),
        (3, 0.33, True),
        (3, 0.34, False),
        (49, 0.01, False),
        (50, 0.33, True),
        (10, 1e-05, False),
        (1, 0.5 * 10.0**-15 + 1e-9, True),
        (1, 1.1e-9, False),
        (10_000, 0.33333333, False),
        (24, 0.05, False),
    ],
)
def test_an_accuracy_is_a_whole_number_of_right_answers(found, samples, accuracy, possible):
    edit = both(
        without("stderr"),
        result(samples_processed=samples, accuracy=accuracy, measure="proportion"),
    )
    place = (f"{P}impossible_fraction", CRITICAL, f"{Q}.accuracy")
    assert (place in found(plausibility.check, edit)) is not possible
