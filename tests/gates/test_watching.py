"""What the monitor of a project tells other programs: the age of its verdict, good copies, signals and alerts."""

from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from trimtab.gates.alerts import AlertNotSent, alerts, post_alerts
from trimtab.gates.codes import finding
from trimtab.gates.monitor import GateMonitor
from trimtab.gates.records import Failure, GateOutcome, GateResult, GateState, GateVerdict, Severity
from trimtab.gates.selftest.sample_project import START, StepClock
from trimtab.gates.signals import signals
from trimtab.testing.clock import FakeClock


@pytest.fixture
def room(world, tmp_path):
    return GateMonitor(tmp_path / "room", StepClock(), world.root, world.project.keys)


def started(room, interval):
    """Lets the monitor start without its task, which would judge the project by itself."""
    room.task.start = lambda: None
    room.start(interval)


# The age of a verdict.


@pytest.mark.parametrize(
    ("interval", "seconds", "outcome"),
    [
        (100, 300, GateOutcome.PASS),
        (100, 300.5, GateOutcome.UNKNOWN),
        (1, 120, GateOutcome.PASS),
        (1, 120.5, GateOutcome.UNKNOWN),
    ],
)
def test_a_verdict_is_unknown_after_three_missed_intervals_but_not_within_two_minutes(
    world, tmp_path, interval, seconds, outcome
):
    clock = FakeClock(START)
    room = GateMonitor(tmp_path / "room", clock, world.root, world.project.keys)
    started(room, interval)
    room.refresh()
    clock.advance(seconds)
    assert room.age_seconds == seconds
    assert room.verdict.outcome is outcome
    if outcome is GateOutcome.UNKNOWN:
        (found,) = room.findings()
        assert f"the last verdict is {seconds:.0f} seconds old" in found.message
        assert room.counts == {"gates.verdict_stale": 1}


def test_a_project_that_was_never_judged_is_unknown_from_its_start_on(world, tmp_path):
    clock = FakeClock(START)
    room = GateMonitor(tmp_path / "room", clock, world.root, world.project.keys)
    assert (room.age_seconds, room.verdict) == (None, None)
    clock.advance(1000)
    assert room.verdict is None
    started(room, 1)
    assert (room.age_seconds, room.verdict) == (0.0, None)
    clock.advance(121)
    assert room.verdict.outcome is GateOutcome.UNKNOWN


# Good copies.


@pytest.mark.parametrize(("extra", "kept"), [(0, True), (1, False)])
def test_evidence_of_more_than_eight_mebibytes_is_not_copied(room, world, extra, kept):
    folder = world.root / "docs"
    (folder / "large.bin").write_bytes(bytes(2**23 + extra))
    room.refresh()
    assert room.good_copy("docs").is_dir() is kept
    assert room.good_copy("README.md").is_file()
    assert room.has_good("docs")


def test_only_a_project_that_raises_no_alert_becomes_a_good_copy(room, world):
    room.refresh()
    sound = world.report_path.read_bytes()
    world.report_path.write_bytes(b"{}")
    room.refresh()
    assert room.good_copy("benchmark_report.json").read_bytes() == sound


def test_a_folder_and_a_file_take_each_others_place_when_they_come_back(room, world):
    room.refresh()
    docs, licence = world.root / "docs", world.root / "LICENSE"
    names = sorted(path.name for path in docs.iterdir())

    def swap():
        for path in sorted(docs.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        docs.rmdir()
        docs.write_text("a file")
        licence.unlink()
        licence.mkdir()

    token = room.change(("docs", "LICENSE", "new"), swap)
    (world.root / "new").write_text("made meanwhile")
    assert room.put_back(token)
    assert sorted(path.name for path in docs.iterdir()) == names
    assert licence.is_file()
    assert not (world.root / "new").exists()
    assert not room.put_back(token)


# Signals.


def verdict_of(*findings, outcome=GateOutcome.REVIEW):
    result = GateResult("docs", GateState.RAN, findings)
    return GateVerdict(outcome, "r.json", "a" * 64, "p", "b" * 64, "2026-01-05T12:00:00Z", (result,))  # fmt: skip


def read(room):
    """Return each signal's samples: label to value."""
    return {
        signal.name: {tuple(s.labels.values()): s.value for s in signal.read()}
        for signal in signals(room)
    }


def test_signals_rank_the_verdict_and_each_gate_by_how_bad_it_is(room, world):
    room.refresh()
    sound = read(room)["gates.outcome"]
    assert set(sound.values()) == {0.0}
    (world.root / ".github" / "pull_request_template.md").unlink()
    room.refresh()
    reviewed = read(room)["gates.outcome"]
    world.report_path.write_bytes(b"{}")
    room.refresh()
    blocked = read(room)["gates.outcome"]
    assert blocked["schema",] > reviewed["process",] > sound["process",] == blocked["docs",]
    assert [each["all",] for each in (sound, reviewed, blocked)] == [0.0, 1.0, 2.0]


def test_findings_are_counted_by_code_and_by_failure_without_notes(room, world):
    room.refresh()
    assert not any(read(room)["gates.found"].values())
    (world.root / "docs" / "new.md").write_text("[a](none.md) [b](none.md)\n")
    room.refresh()
    found = read(room)
    assert {key: n for key, n in found["gates.found"].items() if n} == {("docs.link_dead",): 2.0}
    counted = found["gates.failures"]
    assert {key: n for key, n in counted.items() if n} == {("documentation",): 2.0}
    assert set(counted) == {(failure.value,) for failure in Failure}


# Alerts.


@pytest.mark.parametrize(
    ("code", "severity", "raised"),
    [
        ("drift.slower", Severity.LOW, False),
        ("drift.slower", Severity.WARNING, True),
        ("drift.critical", Severity.CRITICAL, True),
        ("docs.link_dead", Severity.LOW, True),
    ],
)
def test_a_note_raises_an_alert_only_about_documentation(code, severity, raised):
    found = finding(code, "x", "why", severity=severity)
    assert bool(alerts(verdict_of(found))) is raised


def test_an_alert_names_what_failed_where_who_answers_and_how_to_mend_it():
    first = finding("drift.critical", "$.a", "much")
    second = finding("docs.link_dead", "docs/a.md:1", "gone")
    verdict = verdict_of(first, replace(first, message="again"), second, outcome=GateOutcome.BLOCK)
    drift, docs = alerts(verdict)
    assert drift["labels"] == {
        "alertname": "GatesDriftDetected",
        "gate": "drift",
        "severity": "critical",
        "subject": "r.json",
        "team": first.team,
    }
    assert drift["startsAt"] == "2026-01-05T12:00:00Z"
    assert drift["annotations"]["description"] == f"{first.message} (2 findings)"
    assert drift["annotations"]["fix"] == first.fix
    assert drift["annotations"]["summary"]
    assert drift["annotations"]["guide"].startswith("docs/")
    assert set(drift["annotations"]) == {"summary", "description", "fix", "guide"}
    assert docs["labels"]["alertname"] == "GatesDocumentationOutdated"


@pytest.fixture
def receiver():
    """Answers posts with a status and remembers them."""
    taken, status = [], [200]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(self.path)
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", taken, status
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_verdict_without_alerts_asks_no_receiver(receiver):
    address, taken, _ = receiver
    assert post_alerts(verdict_of(), address) == 0
    assert taken == []
    assert post_alerts(verdict_of(finding("drift.slower", "x", "why")), address) == 1
    assert taken == ["/api/v2/alerts"]


def test_a_receiver_that_refuses_the_alerts_is_told(receiver):
    address, _, status = receiver
    status[0] = 400
    with pytest.raises(AlertNotSent, match="The alerts were not taken"):
        post_alerts(verdict_of(finding("drift.slower", "x", "why")), address)
