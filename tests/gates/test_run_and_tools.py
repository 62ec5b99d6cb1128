"""One pass of all gates, and the tools around it: scaffold, logs, profile, reset, sweep and outside signers."""

import os
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import orjson
import psutil
import pytest

from trimtab.gates import logbook, reset, scaffold
from trimtab.gates.case import Case, Project, keyring_folder
from trimtab.gates.errors import (
    EvidenceMissing,
    EvidenceUnreadable,
    PolicyWrong,
    SignatureWrong,
    ToolMissing,
)
from trimtab.gates.policy import GATES, GatePolicy
from trimtab.gates.profile import MemoryProfile, profile, python_processes
from trimtab.gates.records import (
    Failure,
    Finding,
    GateOutcome,
    GateResult,
    GateState,
    GateVerdict,
    Severity,
)
from trimtab.gates.run import CHECKS, Request, judge, run
from trimtab.gates.supply_chain.external import ExternalSigner, find_tool
from trimtab.gates.supply_chain.pins import load_pins, pin_findings
from trimtab.gates.sweep import sweep
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.ids import sha256_hex
from trimtab.testing.clock import FakeClock


def request(world, **changes):
    given = Request(
        world.root, world.report_path, keyring=world.project.keys, commands=frozenset({"gates run", "gates fields"}), change=world.change
    )  # fmt: skip
    return replace(given, **changes)


def test_every_gate_of_the_policy_is_run_in_its_order(world):
    told = []
    verdict = run(request(world), world.clock, progress=told.append)
    assert tuple(told) == GATES == ("schema", *CHECKS)
    assert [result.gate for result in verdict.results] == list(GATES)
    assert (verdict.outcome, verdict.findings) == (GateOutcome.PASS, ())
    assert verdict.subject == "benchmark_report.json"
    assert verdict.subject_sha256 == sha256_hex(world.report_path.read_bytes())
    assert (verdict.policy, verdict.policy_sha256) == ("gates.yaml", world.policy().sha256())
    assert verdict.at.endswith("Z")
    assert dict(verdict.results[0].facts) == {"schema_version": "2.0"}


def test_only_the_gates_that_are_asked_for_run(world):
    told = []
    verdict = run(request(world, only=("docs",)), world.clock, progress=told.append)
    assert told == ["docs"]
    assert [result.gate for result in verdict.results] == ["docs"]
    plausible = run(request(world, only=("plausibility",)), world.clock)
    assert plausible.results[0].state is GateState.RAN


def test_without_a_report_the_gates_that_need_one_are_skipped(world):
    only = ("schema", "docs", "plausibility")
    verdict = run(
        request(world, report=None, only=only, policy=GatePolicy(require=())), world.clock
    )
    states = [(result.gate, result.state, result.reason) for result in verdict.results]
    assert states[0] == ("schema", GateState.SKIPPED, "there is no report")
    assert states[1] == ("plausibility", GateState.SKIPPED, "the report is not usable")
    assert states[2] == ("docs", GateState.RAN, "")
    assert (verdict.subject, verdict.subject_sha256) == (world.root.name, sha256_hex(b""))


def test_a_report_that_is_not_there_is_said_so(world):
    with pytest.raises(EvidenceMissing, match=r"There is no report none\.json"):
        run(request(world, report=world.root / "none.json"), world.clock)


def test_the_policy_is_the_given_one_the_projects_or_the_default(world):
    def judged(**given):
        return run(request(world, only=("schema",), **given), world.clock)

    mine = judged(policy=GatePolicy(), policy_name="mine")
    assert (mine.policy, mine.policy_sha256) == ("mine", GatePolicy().sha256())
    assert judged(policy=GatePolicy()).policy == "given"
    world.project.policy.unlink()
    assert judged().policy == "default"


def test_required_evidence_that_is_missing_blocks_once(world):
    policy = GatePolicy(require=("schema", "datasets", "benchmark"))
    only = ("schema", "datasets", "benchmark")
    world.report_path.write_bytes(b"{}")
    for folder in ("questions", "golden"):
        for path in (world.project.datasets / folder).iterdir():
            path.unlink()
        (world.project.datasets / folder).rmdir()
    verdict = run(request(world, policy=policy, only=only), world.clock)
    assert verdict.outcome is GateOutcome.BLOCK
    states = {result.gate: result.state for result in verdict.results}
    assert states == {
        "schema": GateState.RAN, "datasets": GateState.MISSING, "benchmark": GateState.MISSING,
    }  # fmt: skip
    codes = {result.gate: [f.code for f in result.findings] for result in verdict.results}
    assert codes["datasets"] == ["gates.no_evidence"]
    assert codes["benchmark"] == []


def test_nothing_judged_is_nothing_proved(world):
    policy = GatePolicy(require=())
    for path in world.project.sbom, world.project.provenance:
        path.unlink()
    verdict = run(request(world, policy=policy, report=None, only=("supply_chain",)), world.clock)
    assert verdict.outcome is GateOutcome.REVIEW


@pytest.mark.parametrize(
    ("strict", "outcome"), [(False, GateOutcome.REVIEW), (True, GateOutcome.BLOCK)]
)
def test_a_warning_asks_for_a_review_or_blocks(world, strict, outcome):
    policy = replace(world.policy(), warnings_block=strict, require=())
    (world.root / ".github" / "pull_request_template.md").unlink()
    verdict = run(request(world, policy=policy, only=("process",)), world.clock)
    assert verdict.outcome is outcome


@pytest.mark.parametrize(
    ("error", "path"),
    [(ValueError("bad"), "docs"), (EvidenceUnreadable("bad"), "gates.evidence_unreadable")],
)
def test_a_gate_that_fails_blocks_with_the_reason(world, error, path):
    def gate(case):
        raise error

    result = judge("docs", gate, world.case(None))
    (found,) = result.findings
    assert (result.gate, result.state, result.outcome) == (
        "docs",
        GateState.MISSING,
        GateOutcome.BLOCK,
    )
    assert (found.gate, found.code, found.path) == ("docs", "gates.gate_failed", path)
    assert "bad" in found.message


# Where things lie.


def test_the_key_ring_is_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("TRIMTAB_GATES_KEYS", str(tmp_path / "mine"))
    assert keyring_folder() == tmp_path / "mine"
    monkeypatch.delenv("TRIMTAB_GATES_KEYS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert keyring_folder() == tmp_path / "config" / "trimtab" / "keys"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert keyring_folder() == tmp_path / ".config" / "trimtab" / "keys"


def test_a_key_ring_inside_the_project_is_refused(tmp_path):
    assert Project(tmp_path / "p", tmp_path / "keys").keys == tmp_path / "keys"
    with pytest.raises(PolicyWrong, match="lies inside the project"):
        _ = Project(tmp_path, tmp_path / "keys").keys


def test_a_case_names_its_report_as_projects_do(world):
    case = Case(world.project, GatePolicy(), world.clock)
    assert case.report_name == "benchmark_report.json"


# Scaffold.


def test_the_scaffold_is_what_the_runbook_names(tmp_path):
    done = scaffold.scaffold(tmp_path)
    assert all(fresh for _, fresh in done)
    names = {name for name, _ in done}
    scripts = {path.stem for path in (tmp_path / "scripts").glob("*.py")}
    assert scripts == {
        "validate_report_fields", "validate_datasets", "setup_ci_permissions", "generate_checksums",
        "create_dataset_manifest", "detect_drift", "generate_sbom", "sign_artifacts",
        "validate_all_schemas", "generate_all_manifests", "create_golden_baseline",
    }  # fmt: skip
    assert {n for n in names if n.startswith("miso/") and not n.endswith("__init__.py")} == {
        "miso/validation/schema_validator.py", "miso/datasets/dataset_integrity.py",
        "miso/logging/structured_logger.py", "miso/baseline/drift_detector.py",
        "miso/monitoring/plausibility_monitor.py",
    }  # fmt: skip
    assert {n for n in names if n.endswith("__init__.py")} == {
        "miso/__init__.py", "miso/validation/__init__.py", "miso/datasets/__init__.py",
        "miso/logging/__init__.py", "miso/baseline/__init__.py", "miso/monitoring/__init__.py",
    }  # fmt: skip
    assert {"baseline/current/", "datasets/", "logs/", "logs/gates.log", "logs/gates.jsonl",
            "Makefile", "memory_profiler.py", "docs/SCHEMA_MIGRATION_GUIDE.md",
            "schemas/report-2.0.json", "schemas/README.md", "scripts/bin/pip"} <= names  # fmt: skip
    assert all((tmp_path / name).exists() for name in names)


def test_only_what_is_run_by_name_is_executable(tmp_path):
    scaffold.scaffold(tmp_path)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) & 0o111 for p in tmp_path.rglob("*") if p.is_file()}  # fmt: skip
    assert modes["detect_drift.py"] == modes["pip"] == 0o111
    assert stat.S_IMODE((tmp_path / "scripts" / "detect_drift.py").stat().st_mode) == 0o755
    assert modes["memory_profiler.py"] == modes["Makefile"] == modes["schema_validator.py"] == 0


def test_the_scaffold_leaves_what_is_there_and_a_dry_run_writes_nothing(tmp_path):
    (tmp_path / "Makefile").write_text("mine\n")
    (tmp_path / "logs").mkdir()
    planned = scaffold.scaffold(tmp_path, dry_run=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["Makefile", "logs"]
    assert dict(planned)["logs/"] is False
    assert dict(planned)["gates.mk"] is True
    assert scaffold.scaffold(tmp_path) == planned
    assert (tmp_path / "Makefile").read_text() == "mine\n"
    assert not any(fresh for _, fresh in scaffold.scaffold(tmp_path))


# Logs.

CRITICAL = Finding(
    "schema", "schema.invalid", Severity.CRITICAL, "$.a", "Bad: a\nb", "Fix.", "@t", Failure.SCHEMA
)
VERDICT = GateVerdict(
    GateOutcome.BLOCK, "r.json", "a" * 64, "gates.yaml", "b" * 64, "2026-01-05T12:00:00Z",
    (
        GateResult("schema", GateState.RAN, (CRITICAL,)),
        GateResult(
            "docs", GateState.RAN,
            (replace(CRITICAL, severity=Severity.WARNING), replace(CRITICAL, severity=Severity.LOW)),
        ),
        GateResult("drift", GateState.RAN),
    ),
)  # fmt: skip


def test_a_verdict_is_added_to_both_logs(tmp_path):
    project = Project(tmp_path)
    results = ({"name": "copa", "duration_s": 2.5, "throughput": 4.0}, {"name": "x", "duration_s": 1})  # fmt: skip
    logbook.write(project, VERDICT, results)
    logbook.write(project, VERDICT)
    stamp = "2026-01-05T12:00:00Z"
    lines = (tmp_path / "logs" / "gates.log").read_text().splitlines()
    assert lines[:9] == [
        f"{stamp} INFO verdict block for r.json under policy gates.yaml",
        f"{stamp} ERROR schema gate failed: ❌ Schema validation failed",
        f"{stamp} ERROR schema validation error schema.invalid $.a Bad: a b",
        f"{stamp} ERROR docs gate failed: ⚠️ Bad",
        f"{stamp} WARNING docs validation error schema.invalid $.a Bad: a b",
        f"{stamp} INFO docs validation error schema.invalid $.a Bad: a b",
        f"{stamp} INFO copa duration_s=2.5 throughput=4.0",
        f"{stamp} INFO x duration_s=1 throughput=",
        f"{stamp} INFO verdict block for r.json under policy gates.yaml",
    ]
    records = (tmp_path / "logs" / "gates.jsonl").read_bytes().splitlines()
    assert [orjson.loads(record)["verdict"] for record in records] == ["block", "block"]


def test_a_log_is_searched_file_by_file_and_line_by_line(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "b.log").write_text("fine\nError 1\n")
    (logs / "a.log").write_text("failed\nfine\nCRITICAL\n")
    (logs / "c.txt").write_text("error\n")
    found = logbook.search(Project(tmp_path), logbook.ERRORS)
    assert [(hit.file, hit.line, hit.text) for hit in found] == [
        ("a.log", 1, "failed"), ("a.log", 3, "CRITICAL"), ("b.log", 2, "Error 1"),
    ]  # fmt: skip
    assert logbook.search(Project(tmp_path), logbook.ERRORS, last=2) == found[1:]
    assert logbook.search(Project(tmp_path), logbook.ERRORS, last=9) == found


def test_the_first_records_of_each_structured_log_are_given(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "b.jsonl").write_text("{}\n" * 12)
    (logs / "a.jsonl").write_text('{"a": 1}\n')
    given = list(logbook.structured(Project(tmp_path)))
    assert given == [("a.jsonl", {"a": 1}), *[("b.jsonl", {})] * 10]
    assert (logbook.FIRST, logbook.LAST) == (10, 20)


# Profile.


def sampled(*sizes):
    return MemoryProfile(tuple((float(at), mb) for at, mb in enumerate(sizes)), 1.0, 0)


@pytest.mark.parametrize(
    ("sizes", "growing"),
    [
        ([100] * 3 + [111] * 3 + [123] * 3 + [136] * 3, True),
        ([10] * 3 + [11] * 3 + [20] * 3 + [30] * 3, False),
        ([100] * 3 + [111] * 3 + [123] * 3 + [123] * 3, False),
        ([100] * 2 + [111] * 2 + [123] * 2 + [136] * 2 + [150] * 3, False),
        ([], False),
    ],
)
def test_memory_that_grows_by_a_tenth_each_quarter_is_a_leak(sizes, growing):
    assert sampled(*sizes).still_growing is growing


def test_the_peak_is_the_largest_size_seen():
    assert sampled(1.0, 3.0, 2.0).peak_mb == 3.0
    assert sampled().peak_mb == 0.0


def test_a_script_is_profiled_with_its_arguments_and_exit_code(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nsys.exit(int(sys.argv[1]))\n")
    seen = profile(script, ["3"], SystemClock(), timeout_s=60)
    assert seen.exit_code == 3
    assert all(mb >= 0 for _, mb in seen.samples)
    with pytest.raises(EvidenceMissing):
        profile(tmp_path / "none.py", [], SystemClock(), timeout_s=60)


def test_the_memory_of_a_script_is_read_fifty_times_a_second(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("sum(range(10**6))\n")
    seen = profile(script, [], FakeClock(), timeout_s=10**6)
    times = [at for at, _ in seen.samples]
    assert times == pytest.approx([0.02 * number for number in range(len(times))])
    assert len(times) >= 2


def test_a_script_that_takes_too_long_is_ended(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import time\ntime.sleep(600)\n")
    with pytest.raises(EvidenceUnreadable, match="took longer than 1 s"):
        profile(script, [], FakeClock(), timeout_s=1)


def test_a_script_may_take_exactly_its_time(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import time\ntime.sleep(600)\n")
    clock = FakeClock()
    with pytest.raises(EvidenceUnreadable):
        profile(script, [], clock, timeout_s=0)
    assert clock.monotonic() == 0.02


def test_this_python_is_among_the_python_processes():
    found = python_processes()
    (own,) = [one for one in found if one.pid == os.getpid()]
    mebibytes = psutil.Process().memory_info().rss / 2**20
    assert own.memory_mb == pytest.approx(mebibytes, rel=0.05)
    assert all("python" in one.name for one in found)
    sizes = [one.memory_mb for one in found]
    assert sizes == sorted(sizes, reverse=True)


# Reset.


@pytest.fixture
def repository(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name in (
        "build/out.o",
        "x.pyc",
        "keys/a.key",
        "datasets/d/x",
        "logs/a.log",
        ".env",
        "report.db",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    return Project(tmp_path)  # fmt: skip


def test_a_reset_deletes_what_is_made_and_keeps_evidence(repository):
    planned = reset.plan(repository)
    assert set(planned.remove) == {"build/", "x.pyc"}
    assert {"keys", "datasets", "logs", ".env", "report.db", "keys/a.key"} <= set(planned.kept)
    assert (repository.root / "x.pyc").exists()
    assert reset.reset(repository) == planned
    assert sorted(p.name for p in repository.root.iterdir()) == [
        ".env", ".git", "datasets", "keys", "logs", "report.db",
    ]  # fmt: skip


@pytest.mark.parametrize("removed", ["keys/", "datasets/d/x", "logs/a.log"])
def test_a_git_that_would_delete_evidence_is_not_let(repository, tmp_path, monkeypatch, removed):
    own = tmp_path / "bin" / "git"
    own.parent.mkdir()
    own.write_text(f"#!/bin/sh\necho 'Would remove {removed}'\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", f"{own.parent}{os.pathsep}{os.defpath}")
    with pytest.raises(EvidenceUnreadable, match="protected evidence"):
        reset.plan(repository)


def test_a_reset_installs_the_requirements_only_when_asked(repository):
    requirements = repository.root / "requirements.txt"
    assert reset.reset(repository, install=True).remove == ("build/", "x.pyc")
    requirements.write_text("this is no requirement\n")
    subprocess.run(["git", "-C", str(repository.root), "add", "requirements.txt"], check=True)
    assert reset.reset(repository).remove == ()
    with pytest.raises(EvidenceUnreadable, match="Invalid requirement"):
        reset.reset(repository, install=True)


def test_a_reset_outside_a_repository_is_refused(tmp_path):
    (tmp_path / "x.pyc").write_text("x")
    with pytest.raises(EvidenceUnreadable, match="git failed"):
        reset.reset(Project(tmp_path))
    assert (tmp_path / "x.pyc").exists()


# Sweep.


def test_a_project_without_anything_is_unknown_and_never_a_pass(tmp_path):
    makefile = 'test-short:\n\tprintf %s "$$PATH" > path\ntest-all:\n\tfalse\n'
    (tmp_path / "Makefile").write_text(makefile)
    (tmp_path / "gates.yaml").write_text("supply_chain: {site: site}\n")
    (tmp_path / "site").mkdir()
    told = []
    rows = sweep(Project(tmp_path, tmp_path.parent / "keys"), FakeClock(), progress=told.append)
    assert told == [row.name for row in rows]
    assert [(row.name, row.outcome, row.ok) for row in rows] == [
        ("overall health", GateOutcome.PASS, True),
        ("schemas", GateOutcome.PASS, True),
        ("datasets", GateOutcome.UNKNOWN, False),
        ("drift", GateOutcome.UNKNOWN, False),
        ("permissions", GateOutcome.UNKNOWN, False),
        ("bill of materials", GateOutcome.BLOCK, False),
        ("full system check", GateOutcome.BLOCK, False),
    ]
    assert rows[0].detail == "make test-short ended with 0"
    assert rows[6].detail.startswith("make test-all ended with ")
    assert rows[5].detail.startswith("1 findings, first: ")
    assert [row.detail for row in rows[2:5]] == [
        "datasets/ holds no dataset: cannot judge",
        "there is no report: cannot judge",
        "there is no dataset: cannot judge",
    ]
    # The targets call `trimtab`: make finds this installation's first.
    path = (tmp_path / "path").read_text().split(os.pathsep)
    assert path[0] == str(Path(sys.executable).parent)
    assert Path(shutil.which("make")).parent in map(Path, path[1:])


def test_a_sound_project_passes_its_sweep(world):
    (world.root / "Makefile").write_text("test-short test-all:\n\ttrue\ntest-short:\ntest-all:\ntest:\n\ttrue\n")  # fmt: skip
    rows = {row.name: row for row in sweep(world.project, world.clock)}
    assert {name: row.outcome for name, row in rows.items() if name != "full system check"} == {
        "overall health": GateOutcome.PASS, "schemas": GateOutcome.PASS, "datasets": GateOutcome.PASS,
        "drift": GateOutcome.PASS, "permissions": GateOutcome.PASS, "bill of materials": GateOutcome.PASS,
    }  # fmt: skip
    assert rows["datasets"].detail == "2 datasets"
    assert "; verdict " in rows["full system check"].detail
    (world.project.datasets / "questions" / "data.jsonl").chmod(0o666)
    rows = {row.name: row for row in sweep(world.project, world.clock)}
    assert (rows["permissions"].outcome, rows["permissions"].detail) == (
        GateOutcome.BLOCK,
        "1 wrong",
    )


def test_drift_without_a_baseline_is_unknown_in_a_sweep(world):
    (world.root / "Makefile").write_text("test-short test-all:\n\ttrue\ntest-short:\ntest-all:\n")
    for path in (world.project.baseline, world.project.baseline_approval, world.project.used_approvals):  # fmt: skip
        path.unlink(missing_ok=True)
    rows = {row.name: row for row in sweep(world.project, world.clock)}
    assert (rows["drift"].outcome, rows["drift"].detail) == (
        GateOutcome.UNKNOWN,
        "no baseline: cannot judge",
    )


# Pins and outside signers.


@pytest.mark.parametrize(
    ("pin", "held"),
    [
        ("alpha>=1", True), ("alpha<1", False), ("alpha==1.0", True), ("Alpha>1", False),
        ("alpha<1; python_version < '3'", True), ("elsewhere==1", True),
    ],
)  # fmt: skip
def test_a_pin_holds_for_what_is_installed(world, pin, held):
    (world.root / "pins.txt").write_text(f"# A comment.\n\n{pin}  # why\n")
    found = list(pin_findings(world.installed(), load_pins(world.root)))
    assert [(f.code, f.path) for f in found] == (
        [] if held else [("supply_chain.pin_broken", "pkg:pypi/alpha@1.0")]
    )
    assert load_pins(None).keys() <= load_pins(world.root).keys()


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Puts a program of that name on the path that records its arguments and ends with a code."""

    def make(name, code=0):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\necho why >&2\nexit {code}\n')
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.defpath}")
        return lambda: (tmp_path / "arguments").read_text().split()

    return make


@pytest.mark.parametrize(
    ("name", "suffix", "sign", "verify"),
    [
        ("gpg", ".asc", "--batch --yes --armor --detach-sign --output {s} {f}", "--batch --verify {s} {f}"),
        ("cosign", ".sigstore.json", "sign-blob --yes --bundle {s} {f}", "verify-blob --bundle {s} {f}"),
    ],
)  # fmt: skip
def test_an_outside_program_signs_and_verifies(tool, tmp_path, name, suffix, sign, verify):
    arguments = tool(name)
    file = tmp_path / "file"
    file.write_text("x")
    signature = tmp_path / f"file{suffix}"
    given = ExternalSigner(find_tool(name))
    assert given.verify(file) is False
    assert given.sign(file) == signature
    assert arguments() == sign.format(s=signature, f=file).split()
    signature.write_text("x")
    assert given.verify(file) is True
    assert arguments() == verify.format(s=signature, f=file).split()
    tool(name, 1)
    assert given.verify(file) is False
    with pytest.raises(SignatureWrong, match="did not sign file: why"):
        given.sign(file)


def test_a_tool_that_is_unknown_or_missing_is_said_so(tool, tmp_path, monkeypatch):
    with pytest.raises(ToolMissing, match="no signing tool 'minisign'"):
        find_tool("minisign")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="gpg is not installed"):
        find_tool("gpg")
    with pytest.raises(SignatureWrong, match="could not run"):
        ExternalSigner("gpg").sign(tmp_path / "file")
