"""The process gate: templates, checklists, reviews and workflows, each on both sides of its rule."""

import shutil
from dataclasses import replace

import pytest

from trimtab.gates import process
from trimtab.gates.records import GateState
from trimtab.gates.schema import check_report

ON, JOBS = "on: [push]\n", "jobs: {a: {runs-on: x, steps: [{run: make test}]}}\n"


@pytest.fixture
def found(world):
    """Runs the process gate and returns its findings as code, place and message."""

    def judge():
        case = world.case(check_report(world.report_path.read_bytes()).report)
        return [(f.code, f.path, f.message.partition(": ")[2]) for f in process.check(case).findings]  # fmt: skip

    return judge


@pytest.fixture
def workflow(world):
    path = world.root / ".github" / "workflows" / "ci.yml"
    return path.write_text


WHERE = ".github/workflows/ci.yml"
INVALID, UNSAFE = "process.workflow_invalid", "process.workflow_unsafe"


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        (ON + JOBS, "", ""),
        ("'on': push\n" + JOBS, "", ""),
        ("on: {push: {}}\n" + JOBS, "", ""),
        (ON + "jobs: {a: {uses: ./other.yml}}\n", "", ""),
        (ON + "jobs: {a: {steps: [{uses: ./local}, {uses: 'docker://alpine'}]}}\n", "", ""),
        (ON + f"jobs: {{a: {{steps: [{{uses: 'actions/x@{'0' * 40}'}}]}}}}\n", "", ""),
        ("on: [push\n", INVALID, WHERE),
        ("[]\n", INVALID, WHERE),
        (ON, INVALID, WHERE),
        (ON + "jobs: [a]\n", INVALID, WHERE),
        (JOBS, INVALID, WHERE),
        (ON + "jobs: {a: {runs-on: x}}\n", INVALID, WHERE),
        (ON + "jobs: {a: 5}\n", INVALID, WHERE),
        (ON + "jobs: {a: {steps: {run: x}}}\n", INVALID, f"{WHERE}: a"),
        (ON + "jobs: {a: {steps: [run]}}\n", INVALID, f"{WHERE}: a"),
        ("on: pull_request_target\n" + JOBS, UNSAFE, WHERE),
        ("on: [push, pull_request_target]\n" + JOBS, UNSAFE, WHERE),
        ("on: {pull_request_target: {}}\n" + JOBS, UNSAFE, WHERE),
        (ON + "jobs: {a: {continue-on-error: true, steps: [{run: x}]}}\n", UNSAFE, f"{WHERE}: a"),
        (ON + "jobs: {a: {steps: [{run: x, continue-on-error: true}]}}\n", UNSAFE, f"{WHERE}: a"),
        (ON + "jobs: {a: {steps: [{run: 'x || true'}]}}\n", UNSAFE, f"{WHERE}: a"),
        (ON + f"jobs: {{a: {{steps: [{{uses: 'actions/x@{'0' * 39}'}}]}}}}\n", UNSAFE, f"{WHERE}: a"),
        (ON + f"jobs: {{a: {{steps: [{{uses: 'actions/x@{'0' * 41}'}}]}}}}\n", UNSAFE, f"{WHERE}: a"),
        (ON + "jobs: {a: {steps: [{uses: actions/x@v4}]}}\n", UNSAFE, f"{WHERE}: a"),
    ],
)  # fmt: skip
def test_a_workflow_is_whole_and_can_fail(found, workflow, text, code, where):
    workflow(text)
    assert [(c, w) for c, w, _ in found()] == ([(code, where)] if code else [])


def test_each_job_of_a_workflow_is_judged(found, workflow):
    workflow(ON + "jobs: {a: 5, b: {steps: [{run: set +e}, {run: 'x || :'}]}}\n")
    assert [(code, where) for code, where, _ in found()] == [
        (INVALID, WHERE),
        (UNSAFE, f"{WHERE}: b"),
        (UNSAFE, f"{WHERE}: b"),
    ]


def test_actions_need_no_pin_where_the_policy_says_so(world, found, workflow):
    policy = world.project.policy
    policy.write_text(policy.read_text() + "process: {pin_actions: false}\n")
    workflow(ON + "jobs: {a: {steps: [{uses: actions/x@v4}]}}\n")
    assert found() == []


def test_the_gate_says_how_many_workflows_it_read(world, workflow):
    workflow(ON + JOBS)
    (world.root / ".github" / "workflows" / "more.yaml").write_text(ON + JOBS)
    result = process.check(world.case(None))
    assert (result.gate, result.state, dict(result.facts)) == (
        "process",
        GateState.RAN,
        {"workflows": 2},
    )


def test_without_workflows_and_a_change_there_is_nothing_to_judge(world):
    shutil.rmtree(world.root / ".github")
    case = world.case(None)
    judged = process.check(replace(case, change={}))
    assert (judged.gate, judged.state, judged.findings) == ("process", GateState.SKIPPED, ())
    assert process.check(case).state is GateState.RAN


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("- [x] Tests added\n* [X] Docs updated\n", 0),
        ("- [x] Tests added\n- [x] Docs updated\n- [ ] More\n", 1),
        ("- [ ] Tests added\n- [x] Docs updated\n", 1),
        ("- [x] Tests added\n", 1),
        ("", 2),
    ],
)
def test_every_item_of_the_template_is_ticked(world, found, body, count):
    world.change = {**world.change, "body": body}
    assert [code for code, _, _ in found()] == ["process.checklist_incomplete"] * count


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        (".github/pull_request_template.md", []),
        (".github/PULL_REQUEST_TEMPLATE.md", []),
        ("docs/pull_request_template.md", []),
        ("template.md", ["process.template_missing"]),
    ],
)
def test_a_template_is_looked_for_where_hosts_look(world, found, name, codes):
    (world.root / ".github" / "pull_request_template.md").rename(world.root / name)
    assert [code for code, _, _ in found()] == codes


def test_the_files_that_the_policy_names_must_be_there(world, found):
    policy = world.project.policy
    policy.write_text(policy.read_text() + "process: {files: [LICENSE, SECURITY.md]}\n")
    assert [(code, where) for code, where, _ in found()] == [
        ("process.policy_violation", "SECURITY.md")
    ]


def review(user="grace", state="APPROVED", commit="c0ffee"):
    return {"user": user, "state": state, "commit": commit}


MISSING, STALE = "process.approval_missing", "process.approval_stale"


@pytest.mark.parametrize(
    ("reviews", "codes"),
    [
        ([review()], []),
        ([review(), review("ada")], [STALE]),
        ([review("ada")], [STALE, MISSING]),
        ([review(commit="old")], [STALE, MISSING]),
        ([review(state="COMMENTED")], [MISSING]),
        ([review(), review("alan", "CHANGES_REQUESTED")], [MISSING]),
        ([review(state="CHANGES_REQUESTED"), review()], []),
        ([review(), review(state="CHANGES_REQUESTED")], [MISSING, MISSING]),
        ([], [MISSING]),
        ("all", [MISSING]),
        (["grace"], [MISSING]),
    ],
)
def test_a_change_is_approved_by_somebody_else_at_its_last_commit(world, found, reviews, codes):
    world.change = {**world.change, "reviews": reviews}
    assert [code for code, _, _ in found()] == codes


def test_a_change_without_a_commit_is_approved_by_nobody(world, found):
    world.change = {**world.change, "head": "", "reviews": [review(commit="")], "runs": []}
    assert [code for code, _, _ in found()] == [STALE, MISSING]


def run(conclusion="success", name="ci", head="c0ffee", **more):
    return {"workflowName": name, "headSha": head, "conclusion": conclusion, **more}


@pytest.mark.feature("F126")
@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([], []),
        ([run("success"), run("neutral", "docs"), run("skipped", "nightly")], []),
        ([run("failure")], ["ci ended with failure"]),
        ([run("cancelled"), run("timed_out", "docs")], ["ci ended with cancelled", "docs ended with timed_out"]),
        ([run("", status="in_progress")], ["ci ended with in_progress"]),
        ([run("success"), run("failure")], []),
        ([run("failure"), run("success")], ["ci ended with failure"]),
        ([run("failure", head="beef"), run("success")], []),
        ([run("success", head="beef")], ["no run is of the change's commit"]),
        ({"workflowName": "ci"}, ["it is not a list of runs"]),
        (["ci"], ["it is not a list of runs"]),
    ],
)  # fmt: skip
def test_the_newest_run_of_each_workflow_on_the_commit_did_not_fail(world, found, runs, said):
    world.change = {**world.change, "runs": runs}
    assert found() == [("process.workflow_failed", "change.runs", text) for text in said]


def test_a_change_whose_runs_were_not_asked_for_is_judged_without_them(world, found):
    world.change = {name: value for name, value in world.change.items() if name != "runs"}
    assert found() == []


def test_no_run_is_of_a_change_without_a_commit(world, found):
    world.change = {**world.change, "head": "", "runs": [run(head="")]}
    assert ("process.workflow_failed", "change.runs", "no run is of the change's commit") in found()
