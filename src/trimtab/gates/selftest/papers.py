"""Corruptions of documentation and process."""

from collections.abc import Callable
from typing import Any

from trimtab.gates.selftest.corruption import Corruption
from trimtab.gates.selftest.sample_project import SampleProject

_LINK, _ANCHOR, _COMMAND = ("docs.link_dead",), ("docs.anchor_dead",), ("docs.command_unknown",)
_GUIDE, _UNCLEAR = ("docs.migration_guide_missing",), ("docs.unclear",)
_LIST, _MISSING, _STALE = (
    ("process.checklist_incomplete",),
    ("process.approval_missing",),
    ("process.approval_stale",),
)
_FAILED = ("process.workflow_failed",)
_INVALID, _UNSAFE = ("process.workflow_invalid",), ("process.workflow_unsafe",)
WORKFLOW = ".github/workflows/ci.yml"
GUIDE = "docs/SCHEMA_MIGRATION_GUIDE.md"


def _text(
    gate: str, name: str, path: str, edit: Callable[[str], str], expect: tuple[str, ...]
) -> Corruption:
    def change(sample: SampleProject) -> None:
        target = sample.root / path
        target.write_text(edit(target.read_text(encoding="utf-8")), encoding="utf-8")

    return Corruption(gate, name, change, expect)


def _readme(name: str, old: str, new: str, expect: tuple[str, ...]) -> Corruption:
    return _text("docs", name, "README.md", lambda text: text.replace(old, new), expect)


def _workflow(name: str, old: str, new: str, expect: tuple[str, ...]) -> Corruption:
    return _text("process", name, WORKFLOW, lambda text: text.replace(old, new), expect)


def _change(
    name: str, edit: Callable[[dict[str, Any]], object], expect: tuple[str, ...]
) -> Corruption:
    return Corruption("process", name, lambda sample: edit(sample.change), expect)


def _gone(gate: str, path: str, expect: tuple[str, ...]) -> Corruption:
    return Corruption(gate, f"{path} is gone", lambda sample: (sample.root / path).unlink(), expect)


CORRUPTIONS: tuple[Corruption, ...] = (
    _readme("a link to no page", "docs/guide.md#", "docs/guides.md#", _LINK),
    _readme("a link to no heading", "#how-to-run", "#how-to-fly", _ANCHOR),
    _readme("a picture that is not there", "See [", "![x](x.png) See [", _LINK),
    _readme("a command that does not exist", "gates run", "gates walk", _COMMAND),
    _readme("a make target that does not exist", "make test", "make tests", _COMMAND),
    _readme("a section still to be written", "See [", "TODO: explain. See [", _UNCLEAR),
    _readme("an empty section at the end", "make test\n```\n", "make test\n```\n\n## Next\n", _UNCLEAR),
    _readme("an empty section in the middle", "# Self-test\n", "# Self-test\n\n## Before\n\n## After\n", _UNCLEAR),
    _gone("docs", "docs/guide.md", _LINK),
    _gone("docs", GUIDE, _GUIDE),
    _text("docs", "a migration that is not described", GUIDE, lambda text: text.replace("From 1.1 to 2.0", "Later"), _GUIDE),
    _gone("process", ".github/pull_request_template.md", ("process.template_missing",)),
    _gone("process", "LICENSE", ("process.policy_violation",)),
    _change("an item not ticked", lambda c: c.update(body=c["body"].replace("[x] Tests", "[ ] Tests")), _LIST),
    _change("an item removed", lambda c: c.update(body=c["body"].replace("- [x] Tests added\n", "")), _LIST),
    _change("an empty description", lambda c: c.update(body=""), _LIST),
    _change("no review", lambda c: c.update(reviews=[]), _MISSING),
    _change("a comment instead of an approval", lambda c: c["reviews"][0].update(state="COMMENTED"), _MISSING),
    _change("an approval of another commit", lambda c: c["reviews"][0].update(commit="beef"), _STALE),
    _change("an approval by the author", lambda c: c["reviews"][0].update(user="ada"), _STALE),
    _change("an approval taken back", lambda c: c["reviews"].append({"user": "grace", "state": "CHANGES_REQUESTED", "commit": "c0ffee"}), _MISSING),
    _change("one reviewer approves, another objects", lambda c: c["reviews"].append({"user": "alan", "state": "CHANGES_REQUESTED", "commit": "c0ffee"}), _MISSING),
    _change("no commit to approve", lambda c: (c.pop("head"), c["reviews"][0].pop("commit")), _MISSING),
    _change("a workflow that failed", lambda c: c["runs"][0].update(conclusion="failure"), _FAILED),
    _change("a workflow that ran on another commit", lambda c: c["runs"][0].update(headSha="beef"), _FAILED),
    _text("process", "a workflow that is not YAML", WORKFLOW, lambda _: "on: [push\njobs: {", _INVALID),
    _text("process", "an empty workflow", WORKFLOW, lambda _: "", _INVALID),
    _workflow("a workflow without a trigger", "on: [push]\n", "", _INVALID),
    _workflow("a job without steps", "    steps:\n", "    stages:\n", _INVALID),
    _workflow("a failure swallowed", "benchmark_report.json", "benchmark_report.json || true", _UNSAFE),
    _workflow("a job that continues on error", "    steps:\n", "    continue-on-error: true\n    steps:\n", _UNSAFE),
    _workflow("a step that continues on error", "      - run:", "      - continue-on-error: true\n        run:", _UNSAFE),
    _workflow("secrets for foreign code", "[push]", "[pull_request_target]", _UNSAFE),
    _workflow("an action that is not pinned", "a" * 40, "v4", _UNSAFE),
)  # fmt: skip
