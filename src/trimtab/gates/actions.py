"""Operator actions that repair the evidence of a failed gate.

Actions that change evidence need approval and can be undone.
"""

from collections.abc import Callable

import orjson
import yaml

from trimtab.gates import datasets
from trimtab.gates.baseline import Approvals
from trimtab.gates.dry_runs import (
    ChangePreview,
    preview_manifest,
    preview_migration,
    preview_modes,
    preview_promotion,
    preview_restore,
    preview_rewrite,
    preview_sbom,
    preview_signing,
)
from trimtab.gates.errors import PolicyWrong
from trimtab.gates.monitor import GROUPS, REPORT, GateMonitor
from trimtab.gates.reset import plan, reset
from trimtab.gates.schema import check_report
from trimtab.kernel.ids import sha256_hex
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)

Apply = Callable[[Arguments, ActionContext], str]
"""Applies the change; returns the token that undoes it."""
_TIMEOUT_LINE = "  timeout_s: "


def actions(monitor: GateMonitor) -> tuple[Action, ...]:
    """Return all actions of the release gates."""
    return (
        _run_action(monitor),
        *_restore_actions(monitor),
        *_regenerate_actions(monitor),
        *_protect_actions(monitor),
        _reset_action(monitor),
    )


def _undo_by(monitor: GateMonitor) -> Callable[[Arguments, ActionContext], ActionResult]:
    def undo(arguments: Arguments, _: ActionContext) -> ActionResult:
        done = monitor.put_back(str(arguments["token"]))
        return ActionResult("Put back what was there." if done else "It was put back before.")

    return undo


def _action(  # noqa: PLR0913 - one argument for each field of an action.
    monitor: GateMonitor, name: str, text: str, apply: Apply,
    preview: Callable[[Arguments], ChangePreview], *,
    risk: Risk = Risk.APPROVAL, params: tuple[Param, ...] = (),
) -> Action:  # fmt: skip

    def run(arguments: Arguments, context: ActionContext) -> ActionResult:
        token = apply(arguments, context)
        outcome = monitor.verdict.outcome.value if monitor.verdict else "unknown"
        return ActionResult(
            f"{text} The verdict is now: {outcome}.", {"verdict": outcome}, {"token": token}
        )

    def dry_run(arguments: Arguments, _: ActionContext) -> ActionResult:
        monitor.prepare()
        found = preview(arguments)
        return ActionResult(found.text, changes=found.changes)

    return Action(
        name, text, risk, run, dry_run, params, undo=_undo_by(monitor), effect=Effect.REVERSIBLE
    )


def _run_action(monitor: GateMonitor) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        verdict = monitor.refresh()
        return ActionResult(
            f"The gates said {verdict.outcome.value}.", {"findings": len(verdict.findings)}
        )

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        return ActionResult("Every gate would judge the project as it is.")

    return Action("gates.run", "Judge the project as it is now.", Risk.OBSERVE, run, dry_run)


def _restore_actions(monitor: GateMonitor) -> tuple[Action, ...]:
    group = Param("group", "string", "Which evidence.", choices=tuple(GROUPS))
    return (
        _action(
            monitor, "gates.evidence.restore", "Brought back the evidence of the last passing verdict.",
            lambda arguments, _: monitor.restore(str(arguments["group"])),
            lambda arguments: preview_restore(monitor, str(arguments["group"])), params=(group,),
        ),
    )  # fmt: skip


def _regenerate_actions(monitor: GateMonitor) -> tuple[Action, ...]:
    project = monitor.project
    dataset = Param("dataset", "string", "The dataset's name.")

    def manifest(arguments: Arguments, _: ActionContext) -> str:
        name = str(arguments["dataset"])
        return monitor.change(
            (f"datasets/{name}/{datasets.MANIFEST}",),
            lambda: datasets.write_manifest(project.datasets / name),
        )

    def sbom(_: Arguments, __: ActionContext) -> str:
        from trimtab.gates.supply_chain import environment, make_sbom

        installed = environment(project.root, monitor.policy().supply_chain.site)
        raw = orjson.dumps(make_sbom(project, installed, monitor.clock.now()))
        return monitor.change((project.sbom.name,), lambda: project.sbom.write_bytes(raw))

    def sign(_: Arguments, __: ActionContext) -> str:
        return monitor.change((project.provenance.name,), monitor.resign)

    def baseline(_: Arguments, context: ActionContext) -> str:
        from trimtab.gates.evidence import promote

        report = project.root / REPORT
        approvals = Approvals(project, monitor.clock)
        envelope = approvals.grant(
            "baseline",
            sha256_hex(report.read_bytes()),
            by=context.actor,
            reason="approved as a runbook step",
        )
        return monitor.change(
            ("baseline",),
            lambda: promote(project, report, envelope, monitor.policy(), monitor.clock),
        )

    def migrate(_: Arguments, __: ActionContext) -> str:
        report = project.root / REPORT
        checked = check_report(report.read_bytes())
        raw = orjson.dumps(checked.report) if checked.report else report.read_bytes()
        return monitor.change((REPORT,), lambda: report.write_bytes(raw))

    return (
        _action(monitor, "gates.manifest.regenerate", "Wrote the dataset's manifest for the files as they are.", manifest, lambda arguments: preview_manifest(monitor, str(arguments["dataset"])), params=(dataset,)),
        _action(monitor, "gates.sbom.regenerate", "Wrote the bill of materials again.", sbom, lambda _: preview_sbom(monitor)),
        _action(monitor, "gates.artifacts.sign", "Signed the artifacts as they are.", sign, lambda _: preview_signing(monitor)),
        _action(monitor, "gates.baseline.promote", "Made the report the golden baseline.", baseline, lambda _: preview_promotion(monitor)),
        _action(monitor, "gates.report.migrate", "Brought the report to the current schema version.", migrate, lambda _: preview_migration(monitor)),
    )  # fmt: skip


def _protect_actions(monitor: GateMonitor) -> tuple[Action, ...]:
    project = monitor.project

    def permissions(_: Arguments, __: ActionContext) -> str:
        return monitor.set_modes(
            [(entry.path, entry.expected) for entry in monitor.wrong_permissions()]
        )

    def policy_with_timeout(arguments: Arguments) -> str:
        """Return the policy file's text with the given time limit."""
        path = project.policy
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        return _with_timeout(text, float(str(arguments["seconds"])), path.name)

    def timeout(arguments: Arguments, _: ActionContext) -> str:
        text = policy_with_timeout(arguments)
        return monitor.change(
            (project.policy.name,), lambda: project.policy.write_text(text, encoding="utf-8")
        )

    def preview_timeout(arguments: Arguments) -> ChangePreview:
        what = f"A time limit of {arguments['seconds']} seconds"
        return preview_rewrite(project.policy, policy_with_timeout(arguments), what)

    seconds = Param(
        "seconds", "number", "The longest a benchmark may take.", default=600.0, minimum=0.001
    )
    return (
        _action(monitor, "gates.permissions.fix", "Made the datasets readable for their owner and closed to others.", permissions, lambda _: preview_modes(monitor), risk=Risk.AUTOMATIC),
        _protect_keys_action(monitor),
        _action(monitor, "gates.timeout.raise", "Changed the time limit of benchmarks.", timeout, preview_timeout, params=(seconds,)),
    )  # fmt: skip


def _with_timeout(text: str, seconds: float, name: str) -> str:
    """Return a policy with another time limit and every other line as it is.

    Raises:
        PolicyWrong: The policy is written in a form in which one line cannot be added.
    """
    lines = text.splitlines()
    kept = [line for line in lines if not line.startswith(_TIMEOUT_LINE)]
    if "benchmark:" not in map(str.rstrip, kept):
        kept.append("benchmark:")
    at = next(i for i, line in enumerate(kept, start=1) if line.rstrip() == "benchmark:")
    kept.insert(at, f"  {yaml.safe_dump({'timeout_s': seconds}).strip()}")
    changed = "\n".join(kept) + "\n"
    if _loaded(changed) != _limited(_loaded(text), seconds):
        raise PolicyWrong(
            f"The time limit cannot be written into {name} without losing other settings.",
            hint=f"Set `timeout_s: {seconds:g}` under `benchmark` in {name} yourself.",
        )
    return changed


def _loaded(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        return error


def _limited(policy: object, seconds: float) -> object:
    """Return a parsed policy with another time limit; None if it is not a mapping."""
    settings = {} if policy is None else policy
    if not isinstance(settings, dict):
        return None
    benchmark = settings.get("benchmark") or {}
    if not isinstance(benchmark, dict):
        return None
    return {**settings, "benchmark": {**benchmark, "timeout_s": seconds}}


def _protect_keys_action(monitor: GateMonitor) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        open_keys = monitor.ring().exposed()
        monitor.set_modes([(path, 0o600) for path in open_keys])
        count = len(open_keys)
        text = f"Closed {count} private keys to others."
        return ActionResult(text, {"keys": count}, changes=count > 0)

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        count = len(monitor.ring().exposed())
        return ActionResult(f"{count} private keys would be closed to others.", changes=count > 0)

    return Action(
        "gates.keys.protect", "Close private keys that others can read.", Risk.AUTOMATIC, run, dry_run,
        no_undo_because="a key that lay open must not be opened again",
        effect=Effect.REPEATABLE,
    )  # fmt: skip


def _reset_action(monitor: GateMonitor) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        done = reset(monitor.project)
        monitor.refresh()
        return ActionResult(
            f"Deleted {len(done.remove)} untracked files and folders.",
            {"removed": list(done.remove)},
            changes=bool(done.remove),
        )

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        planned = plan(monitor.project)
        return ActionResult(
            f"{len(planned.remove)} would be deleted.",
            {"would_remove": list(planned.remove)},
            changes=bool(planned.remove),
        )

    return Action(
        "gates.reset", "Reset the project to a clean state; keys, baselines, data and evidence stay.", Risk.APPROVAL, run, dry_run,
        no_undo_because="what git does not track is not kept anywhere; the plan names every file first",
        effect=Effect.IRREVERSIBLE,
    )  # fmt: skip
