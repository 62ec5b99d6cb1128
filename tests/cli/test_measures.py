"""`answers evaluate` and `guardrails evaluate` need no service."""

import json

import pytest

from trimtab.cli.main import command

SETS = {
    "answers": {"question": "When was the bridge built?", "context": "The bridge was built in 1901.", "answers": ["1901"]},
    "guardrails": {"text": "How do I bake bread?", "label": 0},
}  # fmt: skip


def run(*arguments):
    command()(list(arguments), standalone_mode=False)


@pytest.mark.parametrize(("group", "kind"), [("answers", "qa"), ("guardrails", "injection")])
def test_a_set_is_measured_and_printed_as_json(tmp_path, capsys, group, kind):
    (tmp_path / "data.jsonl").write_text(json.dumps(SETS[group]), encoding="utf-8")
    run(group, "evaluate", "--set", str(tmp_path), "--json")
    assert json.loads(capsys.readouterr().out)["kind"] == kind


@pytest.mark.parametrize("group", ["answers", "guardrails"])
def test_for_people_it_prints_lines(tmp_path, capsys, group):
    (tmp_path / "data.jsonl").write_text(json.dumps(SETS[group]), encoding="utf-8")
    run(group, "evaluate", "--set", str(tmp_path))
    assert "kind: " in capsys.readouterr().out
