"""Process gate: checks pull request, reviews and workflow files.

Threat: an unticked checklist, an approval of another commit, an author who approves the own change,
a workflow that failed, or whose gates cannot fail it. How: the pull request as the pipeline passes
it (`--change FILE`), the policy's files, and the workflow files as data. Limits: the pipeline must
control who can write the change file.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from trimtab.gates.case import Case
from trimtab.gates.codes import finding
from trimtab.gates.evidence_files import read_evidence, read_text
from trimtab.gates.records import Finding, GateResult, GateState
from trimtab.kernel.errors import TrimtabError

TEMPLATES = (".github/pull_request_template.md", ".github/PULL_REQUEST_TEMPLATE.md", "docs/pull_request_template.md")  # fmt: skip
_ITEM = re.compile(r"^[ \t]*[-*][ \t]*\[(?P<mark>[ xX])\](?P<text>.*\S.*)$", re.MULTILINE)
_PINNED = re.compile(r"^[^@]+@[0-9a-f]{40}$")
_GOOD_ENDS = frozenset({"success", "neutral", "skipped"})
_CANNOT_FAIL = re.compile(r"\|\|\s*(true|:)(\s|$)|set \+e")


def check(case: Case) -> GateResult:
    """Check the pull request and the workflow files."""
    github = case.project.root / ".github"
    if not github.is_dir() and not case.change:
        return GateResult(
            "process", GateState.SKIPPED, reason="there is no .github folder and no change to judge"
        )
    template = next(
        (case.project.root / n for n in TEMPLATES if (case.project.root / n).is_file()), None
    )
    found: list[Finding] = []
    if template is None:
        found.append(finding("process.template_missing", TEMPLATES[0], "there is no template"))
    if case.change:
        found += _checklist(case.change, template)
        found += _approvals(case.change, case.policy.process.approvals)
        found += _failed_runs(case.change)
    found += [
        finding("process.policy_violation", name, f"the policy asks for {name}")
        for name in case.policy.process.files
        if not (case.project.root / name).is_file()
    ]
    workflows = sorted(
        [*(github / "workflows").glob("*.yml"), *(github / "workflows").glob("*.yaml")]
    )
    for path in workflows:
        found += _workflow(
            path,
            path.relative_to(case.project.root).as_posix(),
            pin=case.policy.process.pin_actions,
        )
    return GateResult("process", GateState.RAN, tuple(found), {"workflows": len(workflows)})


def _checklist(change: Mapping[str, Any], template: Path | None) -> Iterator[Finding]:
    body = str(change.get("body", ""))
    given = _items(body)
    required = _items(read_text(template)) if template else ()
    for text in required:
        if text not in given:
            yield finding(
                "process.checklist_incomplete", "change.body", f"the item {text!r} is missing"
            )
    for text, ticked in given.items():
        if not ticked:
            yield finding("process.checklist_incomplete", "change.body", f"{text!r} is not ticked")


def _items(text: str) -> dict[str, bool]:
    """Return the items of a checklist; True if ticked."""
    return {match["text"].strip(): match["mark"] != " " for match in _ITEM.finditer(text)}


def _approvals(change: Mapping[str, Any], needed: int) -> Iterator[Finding]:
    reviews = change.get("reviews", [])
    if not isinstance(reviews, list) or not all(isinstance(r, dict) for r in reviews):
        yield finding("process.approval_missing", "change.reviews", "it is not a list of reviews")
        return
    latest: dict[str, Mapping[str, Any]] = {str(r.get("user")): r for r in reviews}
    approving = {
        user: review for user, review in latest.items() if review.get("state") == "APPROVED"
    }
    head, author = change.get("head"), change.get("author")
    valid = {
        u
        for u, review in approving.items()
        if u != author and review.get("commit") == head and head
    }
    for user in sorted(set(approving) - valid):
        why = "is the author" if user == author else "approved another commit"
        yield finding("process.approval_stale", "change.reviews", f"{user} {why}")
    rejecting = sorted(
        u for u, review in latest.items() if review.get("state") == "CHANGES_REQUESTED"
    )
    if rejecting:
        yield finding(
            "process.approval_missing", "change.reviews", f"{rejecting[0]} asks for changes"
        )
    if len(valid) < needed:
        yield finding(
            "process.approval_missing", "change.reviews", f"{len(valid)} of {needed} approvals"
        )


def _failed_runs(change: Mapping[str, Any]) -> Iterator[Finding]:
    """Judge the newest run of each workflow on the change's commit.

    The runs are those of ``gh run list --json workflowName,headSha,status,conclusion``, the newest
    first; a change without the key has not been asked for them.
    """
    runs = change.get("runs", [])
    if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
        yield finding("process.workflow_failed", "change.runs", "it is not a list of runs")
        return
    newest: dict[str, Mapping[str, Any]] = {}
    head = change.get("head")
    for run in runs:
        if head and run.get("headSha") == head:
            newest.setdefault(str(run.get("workflowName")), run)
    for name, run in newest.items():
        ended = str(run.get("conclusion") or run.get("status"))
        if ended not in _GOOD_ENDS:
            yield finding("process.workflow_failed", "change.runs", f"{name} ended with {ended}")
    if runs and not newest:
        yield finding("process.workflow_failed", "change.runs", "no run is of the change's commit")


def _workflow(path: Path, where: str, *, pin: bool) -> Iterator[Finding]:
    try:
        data = yaml.safe_load(read_evidence(path).decode("utf-8"))
    except (TrimtabError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        yield finding("process.workflow_invalid", where, f"it is not YAML: {reason}")
        return
    # YAML 1.1 reads the key `on` as the boolean true.
    if (
        not isinstance(data, dict)
        or not isinstance(data.get("jobs"), dict)
        or not ({"on", True} & set(data))
    ):
        yield finding("process.workflow_invalid", where, "a workflow has `on` and `jobs`")
        return
    triggers = data.get("on", data.get(True))
    if "pull_request_target" in (triggers if isinstance(triggers, dict | list) else [triggers]):
        yield finding(
            "process.workflow_unsafe", where, "pull_request_target gives secrets to foreign code"
        )
    for name, job in data["jobs"].items():
        if not isinstance(job, dict) or not ({"steps", "uses"} & set(job)):
            yield finding("process.workflow_invalid", where, f"job {name!r} has no steps")
            continue
        yield from _steps(job, f"{where}: {name}", pin=pin)


def _steps(job: Mapping[str, Any], where: str, *, pin: bool) -> Iterator[Finding]:
    if job.get("continue-on-error"):
        yield finding("process.workflow_unsafe", where, "the job continues on error")
    steps = job.get("steps") or []
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        yield finding("process.workflow_invalid", where, "its steps are not a list of steps")
        return
    for step in steps:
        if step.get("continue-on-error"):
            yield finding("process.workflow_unsafe", where, "a step continues on error")
        if _CANNOT_FAIL.search(str(step.get("run", ""))):
            yield finding("process.workflow_unsafe", where, "a command's failure is swallowed")
        uses = str(step.get("uses", ""))
        if pin and uses and not uses.startswith(("./", "docker://")) and not _PINNED.match(uses):
            yield finding("process.workflow_unsafe", where, f"{uses} is not pinned to a commit")
