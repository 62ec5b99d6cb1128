"""What can be done about a failed gate. Whatever changes evidence asks a person first, and can be taken back."""

from collections.abc import Callable

import orjson

from trimtab.gates import datasets
from trimtab.gates.baseline import Approvals
from trimtab.gates.dry_runs import (
    Would,
    would_migrate,
    would_promote,
    would_restore,
    would_rewrite,
    would_set_modes,
    would_sign,
    would_write_manifest,
    would_write_sbom,
)
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
"""Does it and returns the token that takes it back."""
_TIMEOUT_LINE = "  timeout_s: "


def actions(monitor: GateMonitor) -> tuple[Action, ...]:
    """Return every action of the domain."""
    return (
        _judge(monitor),
        *_restoring(monitor),
        *_regenerating(monitor),
        *_protecting(monitor),
        _reset(monitor),
    )


def _taken_back(monitor: GateMonitor) -> Callable[[Arguments, ActionContext], ActionResult]:
    def undo(arguments: Arguments, _: ActionContext) -> ActionResult:
        done = monitor.put_back(str(arguments["token"]))
        return ActionResult("Put back what was there." if done else "It was put back before.")

    return undo


def _action(  # noqa: PLR0913 - one argument for each thing an action states.
    monitor: GateMonitor, name: str, text: str, apply: Apply, would: Callable[[Arguments], Would], *,
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
        found = would(arguments)
        return ActionResult(found.text, changes=found.changes)

    return Action(
        name, text, risk, run, dry_run, params, undo=_taken_back(monitor), effect=Effect.REVERSIBLE
    )


def _judge(monitor: GateMonitor) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        verdict = monitor.refresh()
        return ActionResult(
            f"The gates said {verdict.outcome.value}.", {"findings": len(verdict.findings)}
        )

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        return ActionResult("Every gate would judge the project as it is.")

    return Action("gates.run", "Judge the project as it is now.", Risk.OBSERVE, run, dry_run)


def _restoring(monitor: GateMonitor) -> tuple[Action, ...]:
    group = Param("group", "string", "Which evidence.", choices=tuple(GROUPS))
    return (
        _action(
            monitor, "gates.evidence.restore", "Brought back the evidence of the last passing verdict.",
            lambda arguments, _: monitor.restore(str(arguments["group"])),
            lambda arguments: would_restore(monitor, str(arguments["group"])), params=(group,),
        ),
    )  # fmt: skip


def _regenerating(monitor: GateMonitor) -> tuple[Action, ...]:
    place = monitor.project
    dataset = Param("dataset", "string", "The dataset's name.")

    def manifest(arguments: Arguments, _: ActionContext) -> str:
        name = str(arguments["dataset"])
        return monitor.change(
            (f"datasets/{name}/{datasets.MANIFEST}",),
            lambda: datasets.write_manifest(place.datasets / name),
        )

    def sbom(_: Arguments, __: ActionContext) -> str:
        from trimtab.gates.supply_chain import environment, make_sbom

        installed = environment(place.root, monitor.policy().supply_chain.site)
        raw = orjson.dumps(make_sbom(place, installed, monitor.clock.now()))
        return monitor.change((place.sbom.name,), lambda: place.sbom.write_bytes(raw))

    def sign(_: Arguments, __: ActionContext) -> str:
        return monitor.change((place.provenance.name,), monitor.resign)

    def baseline(_: Arguments, context: ActionContext) -> str:
        from trimtab.gates.evidence import promote

        report = place.root / REPORT
        approvals = Approvals(place, monitor.clock)
        envelope = approvals.grant(
            "baseline",
            sha256_hex(report.read_bytes()),
            by=context.actor,
            reason="approved as a runbook step",
        )
        return monitor.change(
            ("baseline",), lambda: promote(place, report, envelope, monitor.policy(), monitor.clock)
        )

    def migrate(_: Arguments, __: ActionContext) -> str:
        report = place.root / REPORT
        checked = check_report(report.read_bytes())
        raw = orjson.dumps(checked.report) if checked.report else report.read_bytes()
        return monitor.change((REPORT,), lambda: report.write_bytes(raw))

    return (
        _action(monitor, "gates.manifest.regenerate", "Wrote the dataset's manifest for the files as they are.", manifest, lambda arguments: would_write_manifest(monitor, str(arguments["dataset"])), params=(dataset,)),
        _action(monitor, "gates.sbom.regenerate", "Wrote the bill of materials anew.", sbom, lambda _: would_write_sbom(monitor)),
        _action(monitor, "gates.artifacts.sign", "Signed the artifacts as they are.", sign, lambda _: would_sign(monitor)),
        _action(monitor, "gates.baseline.promote", "Made the report the golden baseline.", baseline, lambda _: would_promote(monitor)),
        _action(monitor, "gates.report.migrate", "Brought the report to the current schema version.", migrate, lambda _: would_migrate(monitor)),
    )  # fmt: skip


def _protecting(monitor: GateMonitor) -> tuple[Action, ...]:
    place = monitor.project

    def permissions(_: Arguments, __: ActionContext) -> str:
        return monitor.set_modes(
            [(entry.path, entry.wanted) for entry in monitor.wrong_permissions()]
        )

    def raised(arguments: Arguments) -> str:
        """Return the policy's text with the time limit."""
        lines = place.policy.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(_TIMEOUT_LINE)]
        at = next(
            (i + 1 for i, line in enumerate(kept) if line.rstrip() == "benchmark:"), len(kept)
        )
        head = (
            []
            if at < len(kept) or (kept and kept[-1].rstrip() == "benchmark:")
            else ["benchmark:\n"]
        )
        kept[at:at] = [*head, f"{_TIMEOUT_LINE}{arguments['seconds']}\n"]
        return "".join(kept)

    def timeout(arguments: Arguments, _: ActionContext) -> str:
        text = raised(arguments)
        return monitor.change(
            (place.policy.name,), lambda: place.policy.write_text(text, encoding="utf-8")
        )

    def would_raise(arguments: Arguments) -> Would:
        what = f"A time limit of {arguments['seconds']} seconds"
        return would_rewrite(place.policy, raised(arguments), what)

    seconds = Param(
        "seconds", "number", "The longest a benchmark may take.", default=600.0, minimum=0.001
    )
    return (
        _action(monitor, "gates.permissions.fix", "Made the datasets readable for their owner and closed to others.", permissions, lambda _: would_set_modes(monitor), risk=Risk.AUTOMATIC),
        _protect_keys(monitor),
        _action(monitor, "gates.timeout.raise", "Changed the time limit of benchmarks.", timeout, would_raise, params=(seconds,)),
    )  # fmt: skip


def _protect_keys(monitor: GateMonitor) -> Action:
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


def _reset(monitor: GateMonitor) -> Action:
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
