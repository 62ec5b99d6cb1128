"""`trimtab demo`: the whole loop in one command."""

import json

import pytest

from tests.processes import run


@pytest.mark.timeout(400)
def test_the_demo_answers_breaks_repairs_and_proves(tmp_path):
    done = run(tmp_path / "demo", "demo", "--yes", "--json")
    assert done.code == 0, done.out + done.err
    lines = [json.loads(line) for line in done.out.splitlines()]
    stages = [line["stage"] for line in lines[:-1]]
    wanted = [
        "started",
        "ingested",
        "answered",
        "broken",
        "degraded",
        "queued",
        "detected",
        "plan",
        "decided",
    ]
    assert [stage for stage in wanted if stage not in stages] == []
    by_stage = {line["stage"]: line for line in lines[:-1]}
    assert by_stage["degraded"]["degraded_mode"] is True
    assert by_stage["queued"]["status"] == "queued"
    assert by_stage["queued"]["reason"] == "embedding_model_unavailable"
    assert by_stage["drained"]["queued"] == 0
    assert by_stage["postmortem"]["markdown"].startswith("# Post-Mortem: INC-")
    last = lines[-1]
    assert (last["answers"], last["state"]) == (3, "resolved")
    assert 0 < last["detected_s"] <= last["diagnosed_s"] < last["resolved_s"]
    assert all(
        line["found"] and line["sources"] for line in lines[:-1] if line["stage"] == "answered"
    )


def test_a_directory_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine").write_text("keep me")
    done = run(tmp_path / "demo", "demo", "--yes")
    assert done.code != 0
    assert "is not empty" in done.err
    assert (tmp_path / "demo" / "mine").read_text() == "keep me"


def test_nobody_to_ask_is_said_before_anything_starts(tmp_path):
    done = run(tmp_path / "demo", "demo")
    assert done.code != 0
    assert "--yes" in done.err
    assert not (tmp_path / "demo").exists()
