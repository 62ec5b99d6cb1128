"""Actions of the evaluation domain."""

from trimtab.evaluation.online import QualityMonitor
from trimtab.evaluation.service import EvaluationService
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Risk,
)


def actions(service: EvaluationService) -> tuple[Action, ...]:
    """Return every action of the domain; their names keep the prefix that runbooks know."""
    return (_look(service.monitor), _pin(service.monitor))


def _look(monitor: QualityMonitor) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        seen = monitor.run_once()
        canary = seen.canary
        facts = {
            "answers": seen.metrics.answers,
            "canary_recall": canary.recall if canary else None,
            "canary_missed": list(canary.missed) if canary else [],
            "drift": bool(seen.drift and seen.drift.detected),
        }
        return ActionResult(f"Looked at {seen.metrics.answers} answers.", facts)

    return Action(
        "answers.watch.look",
        "Look at the answers now: rates, similarity, drift, and the canary's known questions.",
        Risk.OBSERVE,
        run,
        run,
    )


def _pin(monitor: QualityMonitor) -> Action:
    def run(_: Arguments, context: ActionContext) -> ActionResult:
        version = monitor.pin_baseline(context.actor)
        monitor.run_once()
        return ActionResult(f"Pinned baseline {version}.", {}, {"version": version})

    def undo(given: Arguments, _: ActionContext) -> ActionResult:
        monitor.unpin_baseline(int(given["version"]))
        return ActionResult(f"Dropped baseline {given['version']}.")

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        count = monitor.seen.metrics.answers
        return ActionResult(f"The last {count} questions would become the baseline.")

    return Action(
        "answers.watch.pin_baseline",
        "Make the questions of the present window the normal ones.",
        Risk.APPROVAL,
        run,
        dry_run,
        undo=undo,
        effect=Effect.REVERSIBLE,
    )
