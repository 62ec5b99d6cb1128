"""`answers evaluate` and `guardrails evaluate` need no service."""

import json

import pytest

from trimtab.cli.main import app
from trimtab.kernel.errors import InvalidInput

SETS = {
    "answers": {"question": "When was the bridge built?", "context": "The bridge was built in 1901.", "answers": ["1901"]},
    "guardrails": {"text": "How do I bake bread?", "label": 0},
}  # fmt: skip


def run(*arguments):
    app(list(arguments), standalone_mode=False)


@pytest.mark.parametrize(("group", "kind"), [("answers", "qa"), ("guardrails", "injection")])
def test_a_set_is_measured_and_printed_as_json(tmp_path, capsys, group, kind):
    (tmp_path / "data.jsonl").write_text(json.dumps(SETS[group]), encoding="utf-8")
    run(group, "evaluate", "--data", str(tmp_path), "--json")
    assert json.loads(capsys.readouterr().out)["kind"] == kind


@pytest.mark.parametrize("group", ["answers", "guardrails"])
def test_for_people_it_prints_lines(tmp_path, capsys, group):
    (tmp_path / "data.jsonl").write_text(json.dumps(SETS[group]), encoding="utf-8")
    run(group, "evaluate", "--data", str(tmp_path))
    assert "kind: " in capsys.readouterr().out


@pytest.mark.feature("F257")
def test_a_load_test_of_the_guards_prints_latency_throughput_and_errors(tmp_path, capsys):
    kept = tmp_path / "new" / "baseline.json"
    run("guardrails", "load-test", "--checks", "10", "--write-baseline", str(kept), "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["queries"], report["errors"], report["passed"]) == (10, {}, True)
    assert report["p95_ms"] > 0
    assert report["per_second"] > 0
    assert json.loads(kept.read_text(encoding="utf-8")) == report


@pytest.mark.feature("F257")
@pytest.mark.parametrize(("p95", "code"), [(1e-6, 1), (1e9, 0)])
def test_a_load_test_of_the_guards_fails_when_the_baseline_was_faster(tmp_path, capsys, p95, code):
    baseline = tmp_path / "baseline.json"
    baseline.write_text(json.dumps({"queries": 5, "concurrency": 5, "p95_ms": p95}))
    words = ("--checks", "5", "--baseline", str(baseline), "--json")
    assert exit_code_of("guardrails", "load-test", *words) == code
    assert json.loads(capsys.readouterr().out)["baseline_p95_ms"] == p95


@pytest.mark.parametrize("text", [None, b"\n  \n", b"\xff\xfe\xff"])
def test_a_load_test_refuses_a_file_without_readable_texts(tmp_path, text):
    file = tmp_path / "texts.txt"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(InvalidInput):
        run("guardrails", "load-test", "--texts", str(file))


def exit_code_of(*arguments):
    return app(list(arguments), standalone_mode=False) or 0
