import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.answers.world import StillClock
from trimtab.evaluation.errors import BadQuestionSet
from trimtab.evaluation.offline import Reply, compare, read_cases, run, run_load, traces_as_cases
from trimtab.evaluation.offline.cases import EvaluationCase
from trimtab.evaluation.offline.regression import EvalRun, before
from trimtab.kernel.errors import Unavailable

GOLD = EvaluationCase("c1", "p", "When?", ("1901",))
NONE = EvaluationCase("c2", "p", "Who?", ())

SHIPPED = Path(__file__).parents[3] / "docs" / "baselines" / "production-baseline.json"


def reply(text="", *quotes, found=True, grounding=1.0):
    return Reply(found, text, quotes, grounding)


@pytest.mark.parametrize(
    ("case", "given", "score"),
    [
        (GOLD, reply("In 1901. [1]", "Built in  1901."), 1.0),
        (GOLD, reply("In 1901.", "Built long ago."), 0.5),
        (GOLD, reply("In 1902.", "Built in 1902."), 0.0),
        (GOLD, reply("Not there.", found=False), 0.0),
        (NONE, reply("Not there.", found=False), 1.0),
        (NONE, reply("Ann.", "Ann."), 0.0),
        (
            EvaluationCase("t", "p", "q", before=reply("x", "y")),
            reply("z", "w", grounding=0.7),
            0.7,
        ),
        (EvaluationCase("t", "p", "q", before=reply("x", "y")), reply(found=False), 0.0),
    ],
)
def test_scores(case, given, score):
    assert case.score(given) == score


def scores(*values):
    return EvalRun({str(number): value for number, value in enumerate(values)}, {})


@pytest.mark.feature("F427")
def test_a_regression_blocks():
    found = compare(scores(*[0.5] * 50), scores(*[1.0] * 50))
    assert found.blocked
    assert "got worse" in found.reason
    assert len(found.worse) == 50


def test_the_same_scores_pass():
    found = compare(scores(*[0.5, 1.0] * 30), scores(*[0.5, 1.0] * 30))
    assert (found.blocked, found.difference.mean) == (False, 0.0)


def test_a_mean_within_the_margin_blocks_when_its_lower_bound_is_not():
    now, then = [1.0] * 19 + [0.7], [1.0] * 20
    found = compare(scores(*now), scores(*then), margin=0.02)
    assert found.difference.mean >= -0.02
    assert found.blocked
    assert "not shown" in found.reason


def test_leaving_out_what_fails_blocks():
    found = compare(scores(1.0, 1.0), scores(1.0, 1.0, 0.0))
    assert (found.blocked, found.missing) == (True, 1)


def test_runs_without_a_common_case_block():
    assert compare(scores(), scores(1.0)).blocked


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_no_run_is_worse_than_itself(values):
    assert not compare(scores(*values), scores(*values)).blocked


def test_an_error_scores_nothing_and_is_counted():
    def ask(project, question):
        raise Unavailable("down")

    found = run([GOLD], ask)
    assert (found.scores, found.errors) == ({"c1": 0.0}, {"c1": "trimtab.unavailable"})


def test_a_run_comes_back_from_its_file(tmp_path):
    kept = EvalRun({"a": 0.5}, {"b": "x"})
    kept.save(tmp_path / "reports" / "run.json")
    assert EvalRun.load(tmp_path / "reports" / "run.json") == kept


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scores": {"a": "x"}}'])
def test_a_file_that_is_no_run_is_refused(tmp_path, text):
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadQuestionSet):
        EvalRun.load(tmp_path / "run.json")


def write(path, *rows):
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_golden_questions_are_read_from_files_and_folders(tmp_path):
    write(tmp_path / "a.jsonl", {"question": "q", "answers": ["x"], "project": "p", "id": "one"})
    write(tmp_path / "b.jsonl", {"question": "q", "answers": {"text": []}})
    one, other = read_cases(tmp_path, "given")
    assert (one.id, one.project, one.answers) == ("one", "p", ("x",))
    assert (other.project, other.answers) == ("given", ())
    assert other.id == read_cases(tmp_path / "b.jsonl", "given")[0].id


@pytest.mark.parametrize("row", [{}, {"question": "q"}, {"question": "q", "answers": "x"}, {"question": "q", "answers": 1}])  # fmt: skip
def test_rows_that_are_no_golden_questions_are_refused(tmp_path, row):
    with pytest.raises(BadQuestionSet, match="line 1"):
        read_cases(write(tmp_path / "a.jsonl", row), "p")


def trace(trace_id="t1", found=True, model="m", confidence=0.8):
    answer = {"question": "q", "project": "p", "found": found, "model": model, "text": "x"}
    return {"id": trace_id, "answer": answer | {"confidence": confidence, "citations": []}}


def test_traces_become_cases_with_the_score_they_had(tmp_path):
    file = write(tmp_path / "t.jsonl", trace(), trace("t2", found=False), trace("t3", model="extractive"))  # fmt: skip
    cases = traces_as_cases(file)
    assert before(cases).scores == {"t1": 0.8, "t3": 1.0}


def test_a_folder_without_traces_says_how_to_get_some(tmp_path):
    with pytest.raises(BadQuestionSet) as caught:
        traces_as_cases(tmp_path)
    assert "answers traces" in caught.value.hint()


class Busy:
    """Counts how many questions are asked at once."""

    def __init__(self, concurrency):
        self.barrier = threading.Barrier(concurrency)
        self.asked = []

    def __call__(self, question):
        self.barrier.wait(10)  # Breaks unless that many are under way together.
        self.asked.append(question)
        return "" if question != "bad" else "code"


@pytest.mark.feature("F429")
def test_so_many_queries_are_asked_so_many_at_a_time():
    ask = Busy(5)
    report = run_load(ask, ["a", "b"], (100, 5), StillClock())
    assert (report.queries, len(ask.asked), report.errors) == (100, 100, {})
    assert report.p50_ms <= report.p95_ms <= report.p99_ms


def test_errors_are_counted_by_code_and_fail_the_run():
    report = run_load(Busy(1), ["a", "bad"], (4, 1), StillClock())
    assert (report.errors, report.passed) == ({"code": 2}, False)


@pytest.mark.feature("F430", "F431")
@pytest.mark.parametrize(("growth", "passed"), [(1.0, True), (1.199, True), (1.201, False)])
def test_a_p95_more_than_20_percent_over_the_shipped_baseline_is_flagged(growth, passed):
    p95 = json.loads(SHIPPED.read_text(encoding="utf-8"))["p95_ms"] * growth
    report = run_load(lambda _: "", ["a"], (100, 5), StillClock())
    changed = type(report)(100, 5, {}, 50.0, p95, p95, 9.0).against(SHIPPED)
    assert changed.passed is passed
    assert changed.as_dict()["p95_change"] == pytest.approx(growth - 1)


@pytest.mark.parametrize("text", ["", "{}", '{"queries": 9, "concurrency": 5, "p95_ms": 1}'])
def test_a_baseline_of_another_load_is_refused(tmp_path, text):
    (tmp_path / "b.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadQuestionSet):
        run_load(lambda _: "", ["a"], (10, 5), StillClock()).against(tmp_path / "b.json")


@pytest.mark.feature("F500")
def test_the_shipped_baseline_fits_the_load_tests_own_options():
    shipped = json.loads(SHIPPED.read_text(encoding="utf-8"))
    report = run_load(lambda _: "", ["a"], (100, 5), StillClock()).against(SHIPPED)
    assert report.as_dict()["baseline_p95_ms"] == shipped["p95_ms"]
    assert shipped.keys() == report.as_dict().keys()
    assert (shipped["errors"], shipped["passed"]) == ({}, True)
    assert 0 < shipped["p50_ms"] <= shipped["p95_ms"] <= shipped["p99_ms"]
    # Five at a time cannot be faster than the median of one allows twice over, nor far slower than the slowest.
    assert 5_000 / shipped["p99_ms"] < shipped["per_second"] < 2 * 5_000 / shipped["p50_ms"]
