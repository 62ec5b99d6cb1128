"""`answers eval`, `load-test`, `traces`, `tasks` and `erase`, against a service in its own process or thread."""

import json

import pytest

ROWS = [{"project": "p", "question": "What is it?", "answers": ["it"]}]


@pytest.fixture
def golden(tmp_path):
    file = tmp_path / "golden.jsonl"
    file.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    return file


@pytest.mark.feature("F427")
def test_an_eval_writes_its_run_and_blocks_when_the_baseline_was_better(trimtab, golden, tmp_path):
    assert trimtab("projects", "create", "p").code == 0
    first = trimtab("answers", "eval", "--golden", str(golden), "--output-dir", str(tmp_path / "r"), "--json")  # fmt: skip
    assert (first.code, first.json["cases"], first.json["regression"]) == (0, 1, None)
    run = json.loads((tmp_path / "r" / "latest.json").read_text())
    better = tmp_path / "better.json"
    better.write_text(json.dumps({"scores": dict.fromkeys(run["scores"], 1.0)}))
    second = trimtab("answers", "eval", "--golden", str(golden), "--output-dir", str(tmp_path / "r"), "--baseline", str(better), "--json")  # fmt: skip
    assert second.code == 1
    assert second.json["regression"]["blocked"]


def test_an_eval_needs_one_kind_of_cases(trimtab):
    assert trimtab("answers", "eval").code == 2


@pytest.mark.feature("F429", "F432")
def test_a_load_test_asks_the_service_at_its_target(trimtab, serve):
    service = serve()
    assert trimtab("projects", "create", "p").code == 0
    words = ("--project", "p", "--queries", "6", "--concurrency", "2", "--target", service.url)
    done = trimtab("answers", "load-test", *words, "--json")
    assert (done.code, done.json["errors"], done.json["queries"]) == (0, {}, 6), done.err
    asked = trimtab("traces", "list", "--json")
    assert len(asked.json["traces"]) == 6


@pytest.mark.feature("F429")
def test_a_load_test_against_nobody_reports_errors_and_fails(trimtab):
    done = trimtab("answers", "load-test", "--project", "p", "--queries", "3", "--concurrency", "2", "--target", "http://127.0.0.1:9", "--json")  # fmt: skip
    assert done.code == 1
    assert done.json["errors"] == {"ConnectError": 3}


def test_the_rounds_print_what_to_do_and_the_exit_code_says_whether(trimtab):
    done = trimtab("answers", "tasks", "weekly")
    assert done.code == 1
    assert "pin_baseline" in done.out
