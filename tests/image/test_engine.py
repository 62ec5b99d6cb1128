"""The image under Podman, as docker-compose.yaml demands it: what its files and pages claim is done there."""

import json
import os
import re
import signal
import time
from pathlib import PurePosixPath

import pytest

from tests.image.project import ROOT
from tests.knowledge.documents import pdf

pytestmark = pytest.mark.timeout(1800)
FOLDER = PurePosixPath("/tmp/in")
GUIDE = (ROOT / "docs" / "how-to" / "run-the-image.md").read_text(encoding="utf-8")
COMPOSE = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
GRACE = 60
"""Seconds: `stop_grace_period`."""


@pytest.fixture(scope="module")
def stack(loaded, project):
    project.type("docker compose up -d")
    project.wait()
    project.trimtab("projects", "create", "ship")
    project.put(FOLDER / "rudder.txt", b"The rudder turns the ship.")
    project.put(FOLDER / "keel.pdf", pdf("The keel is made of 4 tons of lead."))
    project.trimtab("ingest", "ship", str(FOLDER))
    return project


def answer(stack, question):
    return stack.trimtab("ask", "ship", question, check=False)


def test_it_runs_without_any_privilege(stack):
    status = stack.engine.run("exec", stack.container, "cat", "/proc/1/status").stdout
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert facts["Uid"].split() == ["10001"] * 4
    assert {int(facts[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}
    assert facts["NoNewPrivs"] == "1"
    for place, writable in (("/tmp/x", True), ("/data/x", True), ("/x", False), ("/opt/x", False)):
        words = ("exec", stack.container, "bash", "-c", f"echo > {place}")
        assert (stack.engine.run(*words, check=False).returncode == 0) is writable, place


def test_the_engine_keeps_what_the_file_says(stack):
    inspect = stack.engine.inspect
    assert inspect(stack.container, "{{.HostConfig.ReadonlyRootfs}}") == "true"
    assert inspect(stack.container, "{{.HostConfig.RestartPolicy.Name}}") == "unless-stopped"
    volumes = inspect(stack.container, "{{range .Mounts}}{{.Name}}:{{.Destination}} {{end}}")
    assert "enterprise-pipeline_pipeline_data:/data" in volumes.split()
    stack.engine.run("healthcheck", "run", stack.container)


def test_the_first_key_is_read_by_the_documented_command(stack):
    (line,) = re.findall(r"^# The first key: (docker .+)$", COMPOSE, re.MULTILINE)
    key = stack.type(line).stdout.strip()
    there = ("--url", "http://127.0.0.1:8000")
    assert "admin" in stack.trimtab(*there, "--api-key", key, "keys", "list")


def test_a_parser_reads_a_pdf_in_its_process(stack):
    assert "4 tons of lead" in answer(stack, "What is the keel made of?")
    assert "keel.pdf" in answer(stack, "What is the keel made of?")


def test_the_log_is_read_as_the_runbook_types_it(stack):
    (line,) = re.findall(r"then `(docker compose logs pipeline)`", COMPOSE)
    assert "Console:" in (done := stack.type(line)).stdout + done.stderr


def test_a_stop_is_clean_and_within_its_time(stack):
    begun = time.monotonic()
    stack.type("docker compose stop pipeline")
    assert time.monotonic() - begun < GRACE
    assert stack.engine.inspect(stack.container, "{{.State.ExitCode}}") == "0"
    stack.type("docker compose start pipeline")
    stack.wait()
    assert "4 tons of lead" in answer(stack, "What is the keel made of?")


def test_a_killed_process_is_started_again_and_has_lost_nothing(stack):
    stack.put(FOLDER / "mast.txt", b"The mast is 21 metres high.")
    stack.trimtab("ingest", "ship", str(FOLDER))
    before = stack.engine.inspect(stack.container, "{{.State.StartedAt}}")
    os.kill(int(stack.engine.inspect(stack.container, "{{.State.Pid}}")), signal.SIGKILL)
    end = time.monotonic() + 120
    while stack.engine.inspect(stack.container, "{{.State.StartedAt}}") == before:
        assert time.monotonic() < end
        time.sleep(0.5)
    stack.wait()
    assert "21 metres" in answer(stack, "How high is the mast?")
    assert "4 tons of lead" in answer(stack, "What is the keel made of?")


def single(engine, name, *options):
    """Start one container by the page's line, with more options and no port of the machine."""
    (line,) = re.findall(r"^docker run .+$", GUIDE, re.MULTILINE)
    line = line.replace("-p 127.0.0.1:8000:8000 ", "").replace("--name trimtab", f"--name {name}")
    if "destination=/data" in str(options):
        line = line.replace("-v trimtab:/data ", "")
    words = line.removeprefix("docker run ").split()
    engine.run("run", *words[:-1], *options, words[-1])
    engine.wait(name, "trimtab", "status")


def read(engine, name, signal_name):
    """Return the one value of a signal."""
    done = engine.run("exec", name, "trimtab", "read", signal_name, "--json")
    (found,) = json.loads(done.stdout)["signals"]
    (sample,) = found["samples"]
    return sample["value"]


def test_memory_is_measured_against_the_containers_limit(loaded):
    single(loaded, "limited", "--memory", "600m")
    resident = loaded.run("exec", "limited", "bash", "-c", "grep VmRSS /proc/1/status").stdout
    share = int(resident.split()[1]) / 1024 / 600
    assert read(loaded, "limited", "knowledge.memory.used_ratio") == pytest.approx(share, rel=0.3)
    assert read(loaded, "limited", "service.oom_kills") == 0
    greedy = "x=$(head -c 900000000 /dev/zero | tr '\\0' x)"
    loaded.run("exec", "limited", "bash", "-c", greedy, check=False)
    assert read(loaded, "limited", "service.oom_kills") == 1
    loaded.run("rm", "--force", "--time", "30", "limited")


def test_a_full_volume_refuses_writes_and_keeps_what_is_there(loaded):
    full = "type=tmpfs,destination=/data,tmpfs-size=150m,tmpfs-mode=1777"
    single(loaded, "full", "--mount", full)

    def run(script, check=True):
        done = loaded.run("exec", "full", "bash", "-c", script, check=check)
        return done.returncode, done.stdout + done.stderr

    ingest = "trimtab ingest ship /tmp/in"
    mast = "mkdir /tmp/in && echo 'The mast is 21 metres high.' > /tmp/in/mast.txt"
    run(f"trimtab projects create ship && {mast} && {ingest}")
    run("head -c 200000000 /dev/zero > /data/fill", check=False)
    big = 'for i in $(seq 60000); do echo "Sail $i has $((i * 7919)) threads."; done'
    code, said = run(f"{big} > /tmp/in/sails.txt; {ingest}", check=False)
    assert code != 0
    assert "full" in said
    assert "21 metres" in run("trimtab search ship 'How high is the mast?'")[1]
    run("rm /data/fill")
    end = time.monotonic() + 120
    while run(ingest, check=False)[0] != 0:
        assert time.monotonic() < end
    loaded.run("rm", "--force", "--time", "30", "full")
