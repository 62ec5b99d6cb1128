"""The baseline, its approvals and the drift gate: each rule, its place and what is written."""

import shutil
from datetime import timedelta

import orjson
import pytest

from trimtab.gates import drift
from trimtab.gates.baseline import Approvals, make_baseline, read_baseline, write_baseline
from trimtab.gates.errors import ApprovalRefused, BaselineRefused, EvidenceMissing
from trimtab.gates.evidence import promote
from trimtab.gates.policy import GatePolicy
from trimtab.gates.records import GateState
from trimtab.gates.schema import check_report
from trimtab.gates.selftest.sample_project import START
from trimtab.gates.signing import APPROVER, statement
from trimtab.kernel.ids import sha256_hex
from trimtab.testing.clock import FakeClock

SHA = "ab" * 32


@pytest.fixture
def clock():
    return FakeClock(START)


@pytest.fixture
def approvals(world, clock):
    return Approvals(world.project, clock)


def test_an_approval_states_action_person_reason_time_and_end(world, approvals, clock):
    envelope = approvals.grant("baseline", SHA, by="ada", reason="better")
    opened = world.ring().open(envelope, APPROVER)
    stated = dict(opened.predicate)
    assert len(bytes.fromhex(stated.pop("nonce"))) == 16
    assert stated == {
        "action": "baseline",
        "by": "ada",
        "reason": "better",
        "at": "2026-01-05T12:00:00+00:00",
        "expires": "2026-01-06T12:00:00+00:00",
    }
    assert opened.subjects() == {"evidence": SHA}
    read = approvals.read(envelope)
    assert (read.id, read.action, read.by, read.reason, read.subject_sha256, read.signer) == (
        sha256_hex(envelope), "baseline", "ada", "better", SHA, "maintainer",
    )  # fmt: skip


def test_a_spent_approval_is_written_down_and_refused(world, approvals):
    envelope = approvals.grant("baseline", SHA, by="ada", reason="better")
    approval = approvals.check(envelope, "baseline", SHA)
    before = world.project.used_approvals.read_bytes()
    approvals.spend(approval)
    line = world.project.used_approvals.read_bytes().removeprefix(before)
    assert orjson.loads(line) == {
        "id": approval.id,
        "action": "baseline",
        "by": "ada",
        "at": "2026-01-05T12:00:00+00:00",
    }
    assert line.endswith(b"\n")
    with pytest.raises(ApprovalRefused, match="already used"):
        approvals.check(envelope, "baseline", SHA)


def test_the_first_approval_is_spent_where_nothing_was_before(world, approvals):
    shutil.rmtree(world.root / "baseline")
    envelope = approvals.grant("baseline", SHA, by="ada", reason="first")
    approvals.spend(approvals.check(envelope, "baseline", SHA))
    with pytest.raises(ApprovalRefused, match="already used"):
        approvals.check(envelope, "baseline", SHA)


@pytest.mark.parametrize(
    ("action", "sha", "later", "words"),
    [
        ("manifest", SHA, 0, "is for 'baseline'"),
        ("baseline", "cd" * 32, 0, "other evidence"),
        ("baseline", SHA, 1, "expired"),
    ],
)
def test_an_approval_covers_one_action_on_one_file_for_a_day(approvals, clock, action, sha, later, words):  # fmt: skip
    envelope = approvals.grant("baseline", SHA, by="ada", reason="better")
    clock.advance(timedelta(hours=24, seconds=later).total_seconds())
    with pytest.raises(ApprovalRefused, match=words):
        approvals.check(envelope, action, sha)


@pytest.mark.parametrize(
    ("kind", "subjects", "changes"),
    [
        ("urn:other", {"evidence": SHA}, {}),
        ("urn:trimtab:approval:v1", {"other": SHA}, {}),
        ("urn:trimtab:approval:v1", {"evidence": SHA}, {"expires": "soon"}),
        ("urn:trimtab:approval:v1", {"evidence": SHA}, {"expires": None}),
    ],
)
def test_a_signed_statement_of_another_form_is_no_approval(world, approvals, kind, subjects, changes):  # fmt: skip
    stated = {"action": "baseline", "by": "a", "reason": "r", "expires": "2026-01-06T12:00:00+00:00"}  # fmt: skip
    envelope = world.ring().sign(statement(subjects, kind, {**stated, **changes}), APPROVER)
    with pytest.raises(ApprovalRefused):
        approvals.read(envelope)


def test_a_baseline_keeps_what_later_reports_are_compared_by(world, approvals):
    approval = approvals.read(approvals.grant("baseline", SHA, by="ada", reason="better"))
    report = {
        "name": "run",
        "results": [
            {
                "name": "copa", "accuracy": 0.8, "samples_processed": 100, "duration_s": 1.5,
                "durations_s": [1.0, 2.0], "peak_memory_mb": 7.0, "measure": "mean", "stderr": 0.1,
                "dataset": {"name": "questions", "manifest_sha256": SHA},
            },
            {"name": "rte", "accuracy": 0.5},
        ],
    }  # fmt: skip
    assert make_baseline(report, b"raw", approval, START) == {
        "schema_version": "1.0",
        "created_at": "2026-01-05T12:00:00Z",
        "report_sha256": sha256_hex(b"raw"),
        "report_name": "run",
        "benchmarks": {
            "copa": {
                "accuracy": 0.8, "samples_processed": 100, "duration_s": 1.5,
                "durations_s": [1.0, 2.0], "peak_memory_mb": 7.0, "measure": "mean",
                "manifest_sha256": SHA,
            },
            "rte": {"accuracy": 0.5},
        },
        "approval": {"by": "ada", "id": approval.id, "reason": "better"},
    }  # fmt: skip


def test_a_new_baseline_moves_the_former_one_to_the_archive(world):
    former = {p.name: p.read_bytes() for p in world.project.baseline.parent.iterdir()}
    document = {"created_at": "2026-01-05T12:00:00Z"}
    path = write_baseline(world.project, document, b"raw", b"envelope")
    assert path == world.project.baseline
    assert orjson.loads(path.read_bytes()) == document
    assert path.with_name("benchmark_report.json").read_bytes() == b"raw"
    assert world.project.baseline_approval.read_bytes() == b"envelope"
    (archive,) = (world.root / "baseline" / "archive").iterdir()
    assert archive.name.startswith("2026-01-05T120000Z-")
    assert len(archive.name) == len("2026-01-05T120000Z-") + 6
    assert {p.name: p.read_bytes() for p in archive.iterdir()} == former


def test_the_first_baseline_archives_nothing(world):
    shutil.rmtree(world.root / "baseline")
    write_baseline(world.project, {"created_at": "x"}, b"raw", b"envelope")
    assert [p.name for p in (world.root / "baseline").iterdir()] == ["current"]


def test_only_a_report_that_is_there_and_passes_becomes_the_baseline(world, approvals):
    def promoted(path, **options):
        raw = path.read_bytes() if path.is_file() else b""
        envelope = approvals.grant("baseline", sha256_hex(raw), by="ada", reason="better")
        return promote(world.project, path, envelope, GatePolicy(), world.clock, **options)

    former = world.project.baseline.read_bytes()
    with pytest.raises(EvidenceMissing, match=r"no report none\.json"):
        promoted(world.root / "none.json")
    bad = world.root / "bad.json"
    bad.write_bytes(b"{}")
    with pytest.raises(BaselineRefused, match="does not pass its own gates"):
        promoted(bad)
    spent = world.project.used_approvals.read_bytes()
    assert promoted(world.report_path, dry_run=True) == world.project.baseline
    assert world.project.used_approvals.read_bytes() == spent
    assert world.project.baseline.read_bytes() == former
    assert promoted(world.report_path).read_bytes() != former


WHERE = "baseline/current/baseline_metrics.json"
APPROVAL = "baseline/current/approval.dsse.json"


def broken(world, how):
    project = world.project
    report = project.baseline.with_name("benchmark_report.json")
    {
        "not json": lambda: project.baseline.write_bytes(b"{"),
        "a list": lambda: project.baseline.write_bytes(b"[]"),
        "another form": lambda: world.edit_json(project.baseline, lambda d: d.pop("benchmarks")),
        "no report": report.unlink,
        "another report": lambda: report.write_bytes(report.read_bytes() + b" "),
        "other numbers": lambda: world.edit_json(
            project.baseline, lambda d: d["benchmarks"]["copa"].update(accuracy=0.1)
        ),
    }[how]()


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("not json", "drift.comparison_failed"),
        ("a list", "drift.comparison_failed"),
        ("another form", "drift.comparison_failed"),
        ("no report", "drift.baseline_unapproved"),
        ("another report", "drift.baseline_unapproved"),
        ("other numbers", "drift.baseline_unapproved"),
    ],
)
def test_a_baseline_agrees_with_the_report_it_came_from(world, how, code):
    assert read_baseline(world.project)[1] == ()
    broken(world, how)
    data, found = read_baseline(world.project)
    assert (data, [(f.code, f.path) for f in found]) == (None, [(code, WHERE)])
    result = drift.check(world.case(world.report()))
    assert (result.state, result.findings) == (GateState.RAN, found)


def test_a_baseline_whose_report_is_no_report_is_not_compared_with(world):
    raw = b"{}"
    world.project.baseline.with_name("benchmark_report.json").write_bytes(raw)
    world.edit_json(world.project.baseline, lambda d: d.update(report_sha256=sha256_hex(raw)))
    assert check_report(raw).report is None
    _, found = read_baseline(world.project)
    assert [(f.code, f.path) for f in found] == [("drift.baseline_unapproved", WHERE)]


def test_the_baseline_is_vouched_for_by_its_approver(world, approvals):
    assert (approvals.baseline_findings(), approvals.baseline_signer()) == ((), "maintainer")
    world.project.baseline_approval.write_bytes(b"{}")
    assert [(f.code, f.path) for f in approvals.baseline_findings()] == [
        ("drift.baseline_unapproved", APPROVAL)
    ]
    assert approvals.baseline_signer() == ""
    world.project.baseline_approval.unlink()
    assert [(f.code, f.path) for f in approvals.baseline_findings()] == [
        ("drift.baseline_unapproved", APPROVAL)
    ]


def test_drift_names_who_approved_the_baseline_and_counts_benchmarks(world):
    result = drift.check(world.case(world.report()))
    assert (result.gate, result.state, result.findings, dict(result.facts)) == (
        "drift",
        GateState.RAN,
        (),
        {"benchmarks": 3, "approved_by": "maintainer"},
    )
    world.project.baseline_approval.write_bytes(b"{}")
    assert drift.check(world.case(world.report())).facts["approved_by"] == "no trusted key"


@pytest.mark.parametrize(
    ("kept", "state", "code"),
    [
        (("baseline/current/approval.dsse.json",), GateState.RAN, "drift.comparison_failed"),
        (("baseline/approvals_used.jsonl",), GateState.RAN, "drift.comparison_failed"),
        ((), GateState.SKIPPED, "drift.no_baseline"),
    ],
)
def test_a_baseline_that_is_gone_differs_from_one_that_never_was(world, kept, state, code):
    for path in (*world.project.baseline.parent.iterdir(), world.project.used_approvals):
        if path.relative_to(world.root).as_posix() not in kept:
            path.unlink()
    result = drift.check(world.case(world.report()))
    assert (result.gate, result.state) == ("drift", state)
    assert [(f.code, f.path) for f in result.findings] == [(code, WHERE)]


def test_without_a_usable_report_nothing_drifts(world):
    result = drift.check(world.case(None))
    assert (result.gate, result.state) == ("drift", GateState.SKIPPED)


def change(at, **values):
    return lambda report: report["results"][at].update(values)


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (change(2, accuracy=0.2),
         [("drift.critical", "$.results.questions.accuracy"),
          ("drift.accuracy_regression", "$.results.questions.accuracy")]),
        (change(2, accuracy=0.99), [("drift.improvement", "$.results.questions.accuracy")]),
        (change(2, accuracy=0.785), [("drift.warning", "$.results.questions.accuracy")]),
        (change(2, name="other"), [("drift.benchmark_dropped", "$.results")]),
        (change(2, peak_memory_mb=1000.0), [("drift.memory", "$.results.questions.peak_memory_mb")]),
        (lambda r: r["results"][2].pop("peak_memory_mb"), []),
        (lambda r: r["results"][2]["dataset"].update(manifest_sha256=SHA),
         [("drift.data_changed", "$.results.questions.dataset")]),
        (lambda r: r["results"][2].pop("dataset"),
         [("drift.data_changed", "$.results.questions.dataset")]),
    ],
)  # fmt: skip
def test_each_way_to_drift_is_a_finding_at_its_place(world, edit, found):
    policy = world.project.policy
    policy.write_text(policy.read_text() + "drift: {accuracy_tolerance: 0.02, z: 0.1}\n")
    report = world.report()
    edit(report)
    result = drift.check(world.case(report))
    assert [(f.code, f.path) for f in result.findings] == found


def test_the_largest_drop_comes_first(world):
    report = world.report()
    report["results"][0]["accuracy"] -= 0.1
    report["results"][1]["accuracy"] -= 0.2
    baseline, _ = read_baseline(world.project)
    rows = drift.table(world.case(report), baseline)
    assert [row.name for row in rows] == ["humaneval", "copa", "questions"]
