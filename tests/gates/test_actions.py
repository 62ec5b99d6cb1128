"""The operator's actions of the gates: what they change, say and refuse, and what a preview promises."""

import shutil
import stat
import subprocess
from dataclasses import replace

import orjson
import pytest

from trimtab.gates import dry_runs
from trimtab.gates.actions import _with_timeout, actions
from trimtab.gates.errors import NoGoodCopy, PolicyWrong
from trimtab.gates.monitor import GateMonitor
from trimtab.gates.policy import load_policy
from trimtab.gates.records import GateOutcome
from trimtab.gates.schema import downgrade
from trimtab.gates.selftest.sample_project import StepClock
from trimtab.kernel.operable import ActionContext, BadArguments, check_arguments

ME = ActionContext("key", "test")


@pytest.fixture
def room(world, tmp_path):
    return GateMonitor(tmp_path / "room", StepClock(), world.root, world.project.keys)


@pytest.fixture
def act(room):
    """Runs an action as the operator does; returns the action and its result."""
    by_name = {action.name: action for action in actions(room)}

    def run(name, **given):
        action = by_name[name]
        return action, action.run(check_arguments(action.params, given), ME)

    return run


@pytest.fixture
def tried(room):
    by_name = {action.name: action for action in actions(room)}

    def dry_run(name, **given):
        action = by_name[name]
        return action.dry_run(check_arguments(action.params, given), ME)

    return dry_run


def test_a_run_says_what_the_gates_found(act, tried, world, room):
    assert tried("gates.run").summary
    assert room.verdict is None
    _, sound = act("gates.run")
    assert (sound.summary, sound.facts) == ("The gates said pass.", {"findings": 0})
    world.report_path.write_bytes(b"{}")
    _, broken = act("gates.run")
    assert broken.summary == "The gates said block."
    assert broken.facts == {"findings": len(room.findings())}
    assert room.findings()


def test_a_change_is_judged_and_put_back_once(act, world, room):
    room.refresh()
    before = world.report_path.read_bytes()
    world.report_path.write_bytes(b"{}")
    action, done = act("gates.evidence.restore", group="report")
    assert world.report_path.read_bytes() == before
    assert done.facts == {"verdict": "pass"}
    assert done.summary.endswith("The verdict is now: pass.")
    assert action.undo(done.undo_arguments, ME).summary == "Put back what was there."
    assert world.report_path.read_bytes() == b"{}"
    assert room.verdict.outcome is GateOutcome.BLOCK
    assert action.undo(done.undo_arguments, ME).summary == "It was put back before."


def test_a_change_that_fails_leaves_everything_as_it_was(world, room):
    before = world.report_path.read_bytes()

    def fail():
        world.report_path.write_bytes(b"half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        room.change(("benchmark_report.json",), fail)
    assert world.report_path.read_bytes() == before


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("benchmark:\n  require_log: true\n", "benchmark:\n  timeout_s: 900.0\n  require_log: true\n"),
        ("require: []\nbenchmark:\n  timeout_s: 1\n", "require: []\nbenchmark:\n  timeout_s: 900.0\n"),
        ("require: []\n", "require: []\nbenchmark:\n  timeout_s: 900.0\n"),
        ("require: []", "require: []\nbenchmark:\n  timeout_s: 900.0\n"),
        ("benchmark:\n", "benchmark:\n  timeout_s: 900.0\n"),
        ("# Nothing yet.\n", "# Nothing yet.\nbenchmark:\n  timeout_s: 900.0\n"),
        ("", "benchmark:\n  timeout_s: 900.0\n"),
    ],
)  # fmt: skip
def test_a_time_limit_is_written_once_and_under_its_heading(tmp_path, policy, expected):
    assert _with_timeout(policy, 900.0, "gates.yaml") == expected
    (tmp_path / "gates.yaml").write_text(expected)
    assert load_policy(tmp_path / "gates.yaml").benchmark.timeout_s == 900.0


@pytest.mark.parametrize("seconds", [1e16, 0.25])
def test_a_time_limit_of_any_size_is_read_again(tmp_path, seconds):
    (tmp_path / "gates.yaml").write_text(_with_timeout("", seconds, "gates.yaml"))
    assert load_policy(tmp_path / "gates.yaml").benchmark.timeout_s == seconds


def test_a_project_without_a_policy_gets_one_with_the_time_limit(tmp_path):
    policy = tmp_path / "project" / "gates.yaml"
    policy.parent.mkdir()
    room = GateMonitor(tmp_path / "room", StepClock(), policy.parent, tmp_path / "keys")
    action = next(each for each in actions(room) if each.name == "gates.timeout.raise")
    assert action.dry_run({"seconds": 900.0}, ME).changes
    assert not policy.exists()
    done = action.run({"seconds": 900.0}, ME)
    assert policy.read_text() == "benchmark:\n  timeout_s: 900.0\n"
    action.undo(done.undo_arguments, ME)
    assert not policy.exists()


@pytest.mark.parametrize(
    "policy",
    [
        "benchmark: {require_log: true}\n",
        "benchmark:\n    require_log: true\n",
        "benchmark: 5\n",
        "[]\n",
        "{\n",
    ],
)
def test_a_time_limit_never_costs_another_setting(policy):
    with pytest.raises(PolicyWrong, match=r"cannot be written into gates\.yaml") as refused:
        _with_timeout(policy, 900.0, "gates.yaml")
    assert refused.value.hint() == "Set `timeout_s: 900` under `benchmark` in gates.yaml yourself."


def test_a_policy_that_cannot_take_a_time_limit_stays_as_it_is(act, world, room):
    world.project.policy.write_text("benchmark: {require_log: true}\n")
    with pytest.raises(PolicyWrong):
        act("gates.timeout.raise", seconds=900.0)
    assert world.project.policy.read_text() == "benchmark: {require_log: true}\n"
    assert room.verdict is None


@pytest.mark.parametrize(("seconds", "allowed"), [(0.001, True), (0.00099, False)])
def test_a_time_limit_is_a_millisecond_at_least(tried, seconds, allowed):
    if allowed:
        assert tried("gates.timeout.raise", seconds=seconds).changes
    else:
        with pytest.raises(BadArguments):
            tried("gates.timeout.raise", seconds=seconds)


def test_open_keys_are_counted_and_closed(act, tried, world):
    keys = sorted(world.project.keys.glob("*.key"))
    assert keys
    for count in (1, 0):
        for path in keys[:count]:
            path.chmod(0o644)
        assert tried("gates.keys.protect").changes is (count > 0)
        _, done = act("gates.keys.protect")
        assert (done.facts, done.changes) == ({"keys": count}, count > 0)
        assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_a_reset_names_what_it_deletes_and_keeps_evidence(tmp_path):
    project = tmp_path / "project"
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    for name in ("build/out.o", "x.pyc", "logs/a.log"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("x")
    room = GateMonitor(tmp_path / "room", StepClock(), project, tmp_path / "keys")
    reset = next(action for action in actions(room) if action.name == "gates.reset")
    planned = reset.dry_run({}, ME)
    assert (project / "x.pyc").exists()
    assert planned.summary == "2 would be deleted."
    assert planned.facts == {"would_remove": ["build/", "x.pyc"]}
    assert (planned.changes, room.verdict) == (True, None)
    done = reset.run({}, ME)
    assert sorted(path.name for path in project.iterdir()) == [".git", "logs"]
    assert done.summary == "Deleted 2 untracked files and folders."
    assert (done.facts, done.changes) == ({"removed": ["build/", "x.pyc"]}, True)
    assert room.verdict is not None
    assert (reset.dry_run({}, ME).changes, reset.run({}, ME).changes) == (False, False)


# Previews.


def test_nothing_is_promised_of_a_copy_that_is_not_there(tried):
    with pytest.raises(NoGoodCopy, match="no good copy of report"):
        tried("gates.evidence.restore", group="report")


def test_a_preview_counts_files_that_are_gone_changed_or_new(tried, world, room):
    room.refresh()
    logs = world.project.logs
    (logs / "copa.jsonl").write_text("changed")
    (logs / "questions.jsonl").unlink()
    (logs / "new.jsonl").write_text("new")
    said = tried("gates.evidence.restore", group="logs")
    assert said.summary == "3 files of logs would be replaced by their last good copy."
    assert said.changes


def test_a_preview_of_a_manifest_tells_a_missing_an_outdated_and_a_right_one_apart(tried, world):
    folder = world.project.datasets / "questions"

    def said():
        preview = tried("gates.manifest.regenerate", dataset="questions")
        return preview.summary, preview.changes

    files = len(list(folder.iterdir())) - 1
    assert said() == (f"The manifest of questions fits its {files} files already.", False)
    (folder / "data.jsonl").write_text("{}\n")
    assert said() == (f"The manifest of questions would be written again for {files} files.", True)
    (folder / "manifest.sha256").unlink()
    assert said() == (f"The manifest of questions would be made for {files} files.", True)


def _without_one_component(bill):
    bill["components"].pop()


def _with_another_component(bill):
    bill["components"][0]["version"] = "0"


def _from_elsewhere(bill):
    bill["metadata"] = {"timestamp": "2020-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("edit", "differ"),
    [(_from_elsewhere, 0), (_without_one_component, 1), (_with_another_component, 2)],
)
def test_a_preview_of_the_bill_counts_entries_and_leaves_out_where_it_was_made(
    tried, world, edit, differ
):
    count = len(orjson.loads(world.project.sbom.read_bytes())["components"])
    world.edit_json(world.project.sbom, edit)
    said = tried("gates.sbom.regenerate")
    assert said.changes is (differ > 0)
    assert said.summary == (
        f"The bill would list {count} components; {differ} entries differ."
        if differ
        else f"The bill lists the {count} components that there are."
    )


@pytest.mark.parametrize("raw", [b"[]", b"{", None])
def test_a_bill_that_cannot_be_read_would_be_written_whole(tried, world, raw):
    count = len(orjson.loads(world.project.sbom.read_bytes())["components"])
    if raw is None:
        world.project.sbom.unlink()
    else:
        world.project.sbom.write_bytes(raw)
    said = tried("gates.sbom.regenerate")
    assert said.summary == f"The bill would list {count} components; {count} entries differ."


def test_a_preview_of_a_promotion_names_what_happens_to_the_former_baseline(tried, world):
    def said():
        return tried("gates.baseline.promote").summary

    assert "is the golden baseline already" in said()
    world.edit_report(lambda report: report.update(name="another"))
    assert said().endswith("become the golden baseline; the former one would be archived.")
    shutil.rmtree(world.project.baseline.parent)
    assert said().endswith("become the golden baseline; there is none yet.")


def test_a_preview_of_a_migration_tells_current_old_and_broken_reports_apart(tried, world):
    def said():
        preview = tried("gates.report.migrate")
        return preview.summary, preview.changes

    assert said() == ("The report is in the current schema version already.", False)
    report = world.report()
    plain = {"name", "accuracy", "samples_processed", "predictions_count", "duration_s", "status"}
    results = [{key: result[key] for key in plain} for result in report["results"]]
    kept = {key: value for key, value in report.items() if key in {*plain, "schema_version", "metrics", "seeds", "environment"}}  # fmt: skip
    old = downgrade({**kept, "results": results}, "1.1")
    world.report_path.write_bytes(orjson.dumps(old))
    assert said() == ("The report would be written in the current schema version.", True)
    world.report_path.write_bytes(b"{")
    assert said() == ("The report cannot be read, so it would stay as it is.", False)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_preview_of_permissions_counts_what_would_be_repaired(tried, world, count):
    files = sorted((world.project.datasets / "questions").iterdir())
    for path in files[:count]:
        path.chmod(0o666)
    said = tried("gates.permissions.fix")
    assert said.summary == f"The permissions of {count} files of datasets would be repaired."
    assert said.changes is (count > 0)


def test_a_preview_of_a_file_that_is_not_there_would_write_it(tmp_path):
    said = dry_runs.preview_rewrite(tmp_path / "gates.yaml", "a: 1\n", "A limit")
    assert said == dry_runs.ChangePreview("A limit would be set in gates.yaml.")
    (tmp_path / "gates.yaml").write_text("a: 1\n")
    again = dry_runs.preview_rewrite(tmp_path / "gates.yaml", "a: 1\n", "A limit")
    assert again == replace(said, text="A limit is set already.", changes=False)
