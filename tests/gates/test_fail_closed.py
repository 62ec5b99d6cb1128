"""Evidence that cannot be judged never passes: damaged files, failing gates, verdicts that grow old."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trimtab.cli.gates import app
from trimtab.gates.alerts import alerts
from trimtab.gates.evidence_files import replace_file
from trimtab.gates.monitor import GateMonitor
from trimtab.gates.records import GateOutcome
from trimtab.gates.run import Request, run
from trimtab.gates.selftest.sample_project import StepClock
from trimtab.gates.signals import signals
from trimtab.gates.supply_chain.installed import Package


class WatchClock(StepClock):
    """Calls a step of the test between two rounds of the watcher, and blocks it when there is none left."""

    def __init__(self, steps):
        super().__init__()
        self.steps = list(steps)
        self.done = threading.Event()
        self.broken = False

    def now(self):
        if self.broken:
            raise RuntimeError("the clock is broken")
        return super().now()

    def wait(self, event, seconds):
        if self.steps:
            self.steps.pop(0)()
            return False
        self.done.set()
        return event.wait(30)


@pytest.fixture
def watch(world, tmp_path):
    """Watches the sound project until every step was taken; returns the room."""
    rooms = []

    def start(*steps):
        clock = WatchClock(steps)
        room = GateMonitor(tmp_path / "room", clock, world.root)
        rooms.append(room)
        return room, clock

    yield start
    for room in rooms:
        room.close()


def _watched(room, clock):
    room.start(1)
    assert clock.done.wait(60)
    return room.verdict


def test_a_makefile_of_bytes_does_not_end_the_watching(watch, world):
    def garble():
        (world.root / "Makefile").write_bytes(b"\xff\xfe\x00test:\n")
        (world.root / "benchmark_report.json").write_bytes(b"\xff")

    room, clock = watch(garble)
    assert _watched(room, clock).outcome is GateOutcome.BLOCK


def test_an_unexpected_error_makes_the_verdict_unknown_until_it_is_judged_again(watch):
    said = []
    room, clock = watch(
        lambda: (said.append(room.verdict.outcome), setattr(clock, "broken", True)),
        lambda: (setattr(clock, "broken", False), said.append(room.verdict.outcome)),
    )
    last = _watched(room, clock)
    assert [*said, last.outcome] == [GateOutcome.PASS, GateOutcome.UNKNOWN, GateOutcome.PASS]


def test_a_copy_that_cannot_be_kept_makes_the_verdict_unknown(world, tmp_path):
    room = GateMonitor(tmp_path / "room", StepClock(), world.root)
    assert room.refresh().outcome is GateOutcome.PASS
    kept = tmp_path / "room" / "good"
    kept.rename(tmp_path / "elsewhere")
    kept.write_text("a file where a folder was")
    with pytest.raises(OSError, match="good"):
        room.refresh()
    assert (room.verdict.outcome, room.findings()[0].code) == ("unknown", "gates.verdict_stale")


@pytest.mark.parametrize(
    ("seconds", "outcome"), [(119, GateOutcome.PASS), (121, GateOutcome.UNKNOWN)]
)
def test_a_verdict_that_is_not_refreshed_for_three_intervals_is_unknown(watch, seconds, outcome):
    room, clock = watch()
    _watched(room, clock)
    clock.sleep(seconds)
    assert room.verdict.outcome is outcome


def test_an_unknown_verdict_is_seen_in_the_signals_and_alerts(watch):
    room, clock = watch()
    _watched(room, clock)
    clock.sleep(1000)
    read = {signal.name: list(signal.read()) for signal in signals(room)}
    assert next((s.value, s.labels["gate"]) for s in read["gates.outcome"]) == (3.0, "all")
    assert read["gates.verdict.age_seconds"][0].value > 1000
    assert {s.labels["failure"] for s in read["gates.failures"] if s.value} == {"general"}
    assert [alert["labels"]["alertname"] for alert in alerts(room.verdict)] == ["GatesNotJudged"]


@pytest.fixture(scope="module")
def hashed_once():
    """Read the files of this environment once: what falls back to the default policy judges them, too."""
    found, hash_all = {}, Package.altered

    def altered(package):
        if package.name not in found:
            found[package.name] = hash_all(package)
        return found[package.name]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Package, "altered", altered)
        yield


DEEP = b"[" * 200_000 + b"]" * 200_000
DAMAGES = {"empty": b"", "binary": bytes(range(256)) * 40, "deep": DEEP, "null": b"null", "list": b"[1]", "text": b"\xff\xfe"}  # fmt: skip
EVIDENCE = [
    "benchmark_report.json",
    "gates.yaml",
    "datasets/questions/manifest.sha256",
    "datasets/questions/data.jsonl",
    "logs/copa.jsonl",
    "baseline/current/baseline_metrics.json",
    "baseline/current/approval.dsse.json",
    "baseline/current/benchmark_report.json",
    "../project.keys/trust.json",
    "sbom.cdx.json",
    "provenance.dsse.json",
    "reproducibility.json",
    "advisories.jsonl",
    ".github/workflows/ci.yml",
]


@pytest.mark.usefixtures("hashed_once")
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", EVIDENCE)
def test_damaged_evidence_never_passes_and_never_ends_in_a_traceback(world, name, damage):
    (world.root / name).write_bytes(DAMAGES[damage])
    done = CliRunner().invoke(app, ["run", str(world.report_path), "--dry-run"])
    assert done.exit_code in (1, 2, 3)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert "Traceback" not in done.output


@pytest.mark.usefixtures("hashed_once")
@pytest.mark.parametrize("name", EVIDENCE)
def test_a_folder_or_a_pipe_in_place_of_evidence_never_passes(world, name):
    (world.root / name).unlink()
    os.mkfifo(world.root / name)
    done = CliRunner().invoke(app, ["run", str(world.report_path), "--dry-run"])
    assert done.exit_code in (1, 2, 3)


@pytest.mark.usefixtures("hashed_once")
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("fields {}/benchmark_report.json", "benchmark_report.json"),
        ("datasets --project {}", "datasets/questions/manifest.sha256"),
        ("datasets --counts --project {}", "datasets/questions/data.jsonl"),
        ("drift -r {}/benchmark_report.json --project {}", "baseline/current/baseline_metrics.json"),
        ("sbom --verify --project {}", "sbom.cdx.json"),
        ("verify --project {}", "provenance.dsse.json"),
        ("audit --project {}", "advisories.jsonl"),
        ("manifest show questions --project {}", "datasets/questions/manifest.sha256"),
    ],
)  # fmt: skip
def test_each_validator_refuses_damage_with_the_reason(world, command, name, damage):
    (world.root / name).write_bytes(DAMAGES[damage])
    done = CliRunner().invoke(app, command.replace("{}", str(world.root)).split())
    assert done.exit_code in (1, 2, 3)
    assert done.output.strip()
    assert done.exception is None or isinstance(done.exception, SystemExit)


@pytest.mark.parametrize("damage", ["binary", "deep", "text"])
def test_a_structured_log_that_is_not_json_is_refused(world, damage):
    (world.root / "logs" / "copa.jsonl").write_bytes(DAMAGES[damage])
    done = CliRunner().invoke(app, ["logs", "structured", "--project", str(world.root)])
    assert (done.exit_code, "copa.jsonl:1" in done.output) == (1, True)


def test_a_gate_that_fails_blocks_with_the_reason(world):
    def broken():
        raise RuntimeError("the commands cannot be listed")

    class Commands(frozenset):
        def __contains__(self, item):
            broken()

    verdict = run(
        Request(world.root, world.report_path, commands=Commands()),
        world.clock,
    )
    assert verdict.outcome is GateOutcome.BLOCK
    (found,) = [f for f in verdict.findings if f.code == "gates.gate_failed"]
    assert (found.gate, "the commands cannot be listed" in found.message) == ("docs", True)


@pytest.fixture
def full_disk(monkeypatch):
    """Let no file take what is written to it."""

    def write_bytes(path, _):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_bytes)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_the_former_evidence_whole(tmp_path):
    path = tmp_path / "provenance.dsse.json"
    path.write_text("signed")
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"signed again")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "signed"


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_named_and_not_called_bad_evidence(tmp_path):
    (tmp_path / "sbom.cdx.json").write_text("former")
    done = CliRunner().invoke(app, ["sbom", "--project", str(tmp_path)])
    assert done.exit_code == 1
    assert "cli.disk_full: The disk of the project is full" in done.output
    assert (tmp_path / "sbom.cdx.json").read_text() == "former"


def test_a_pipe_gets_the_content_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "report.json"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        replace_file(pipe, b"new")
        assert os.read(reader, 100) == b"new"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_what_replaces_evidence_keeps_its_mode_and_its_link(tmp_path):
    path, link = tmp_path / "report.json", tmp_path / "link.json"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    replace_file(link, b"new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o640)
    assert link.is_symlink()
