"""`trimtab demo`: the whole loop in one command."""

import json
import os
import pty
import re
import subprocess

import httpx
import pytest

from tests.processes import COMMAND, clean_environment, run


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


def at_a_terminal(folder, answer, *, while_asked=lambda address: None):
    """Run the demo at a pseudo-terminal; return what it printed and its exit code."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "--set", "service.port=0", "demo"],
        stdin=follower, stdout=follower, stderr=follower, cwd=folder,
        env=clean_environment(TMPDIR=str(folder), HOME=str(folder)),
    )  # fmt: skip
    os.close(follower)
    said, asked = "", False
    try:
        while True:
            try:
                said += os.read(leader, 4096).decode(errors="replace")
            except OSError:  # The terminal has no other end any more.
                return said, process.wait(60)
            if not asked and "[y/N]" in said:
                asked = True
                while_asked(said)
                if answer:
                    os.write(leader, f"{answer}\n".encode())
    finally:
        os.close(leader)
        process.kill()
        process.wait()


@pytest.mark.timeout(400)
def test_at_a_terminal_it_asks_shows_progress_and_leaves_nothing_behind(tmp_path):
    said, code = at_a_terminal(tmp_path, "y")
    assert code == 0, said
    assert "runs 5 times as fast as real time" in said
    assert re.search(r"\d+ of \d+: ", said)
    assert "waiting until the alert fires" in said
    assert said.count("trimtab serve") == 1
    assert list(tmp_path.iterdir()) == []
    _, _, following = said.partition("Next, on a service of your own:")
    assert re.findall(r"^ *\d\. trimtab (\w+)", following, re.MULTILINE) == [
        "serve",
        "ingest",
        "ask",
    ]


@pytest.mark.timeout(400)
def test_an_approval_in_the_console_is_noticed(tmp_path):
    def approve(said):
        link = re.search(r"(http://localhost:\d+)/console/login#token=(\S+)", said)
        with httpx.Client(base_url=link[1], headers={"Origin": link[1]}) as browser:
            browser.post("/console/login", data={"token": link[2]})
            (listed,) = browser.get("/v1/incidents", params={"active": True}).json()["incidents"]
            path = f"/v1/incidents/{listed['id']}"
            plan = browser.get(path).json()["plan"]["hash"]
            answer = browser.post(f"{path}/approve", json={"plan_hash": plan})
            assert answer.status_code == 200, answer.text

    said, code = at_a_terminal(tmp_path, "", while_asked=approve)
    assert code == 0, said
    assert "approved in the console by admin" in said
