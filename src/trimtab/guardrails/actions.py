"""Operator actions on the guards."""

from trimtab.guardrails.rules import RULES, apply_changes, seconds
from trimtab.guardrails.service import Guardrails
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)


def actions(guardrails: Guardrails) -> tuple[Action, ...]:
    """Return all actions of the guardrails domain."""
    return (
        _bypass(guardrails),
        _rule(guardrails),
        _clear(guardrails),
        _restart(guardrails),
    )


def _bypass(guardrails: Guardrails) -> Action:
    def run(given: Arguments, context: ActionContext) -> ActionResult:
        state = guardrails.bypass.start(seconds(str(given["duration"])), context.actor)
        return ActionResult(
            f"Bypassed hallucination, facts and ethics until {state.ends_at:%H:%M:%S} UTC.",
            {"ends_at": state.ends_at.isoformat()},
            {"duration": str(given["duration"])},
        )

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        length = seconds(str(given["duration"]))
        return ActionResult(
            f"Hallucination, facts and ethics would only judge in the shadow for {length:g} s; "
            "injection, personal data and secrets would stay on."
        )

    def undo(_: Arguments, context: ActionContext) -> ActionResult:
        stopped = guardrails.bypass.stop(context.actor)
        return ActionResult("Ended the bypass." if stopped else "There was no bypass to end.")

    return Action(
        "guardrails.bypass",
        "Let answers through for a limited time although hallucination, facts or ethics fail.",
        Risk.APPROVAL,
        run,
        dry_run,
        (Param("duration", "string", "How long, such as 30m; four hours at most.", "30m"),),
        undo,
        effect=Effect.REVERSIBLE,
    )


def _rule(guardrails: Guardrails) -> Action:
    params = (
        Param("name", "string", "The rule.", choices=RULES),
        Param("value", "string", "Its new value, as in a config map."),
    )

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        name = str(given["name"])
        former = guardrails.rules.change({name: str(given["value"])})
        before = former.as_text()[name]
        return ActionResult(
            f"Set {name} to {given['value']}.",
            {},
            {"name": name, "value": before},
            changes=before != guardrails.rules.current.as_text()[name],
        )

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        name, now = str(given["name"]), guardrails.rules.current
        then = apply_changes(now, {name: str(given["value"])})
        old, new = now.as_text()[name], then.as_text()[name]
        if old == new:
            return ActionResult(f"{name} is {old} already.", changes=False)
        return ActionResult(f"{name} would change from {old} to {new}.")

    return Action(
        "guardrails.rules.set",
        "Change a guard rule; it applies to the next text.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        params,
        run,
        effect=Effect.REVERSIBLE,
    )


def _clear(guardrails: Guardrails) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        count = guardrails.clear_cache()
        return ActionResult(f"Forgot {count} cached verdicts.", changes=count > 0)

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        count = guardrails.cached_verdicts()
        return ActionResult(f"{count} cached verdicts would be forgotten.", changes=count > 0)

    return Action(
        "guardrails.cache.clear",
        "Forget all cached verdicts (`guardrail:*`).",
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="a cached verdict is made again by the next text",
        effect=Effect.REPEATABLE,
    )


def _restart(guardrails: Guardrails) -> Action:
    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        count, failing = guardrails.guard_count(), sorted(guardrails.failing())
        state = f"failing now: {', '.join(failing)}" if failing else "none fails now"
        return ActionResult(
            f"{count} guards would be replaced by fresh ones; {state}.", {"failing": failing}
        )

    return Action(
        "guardrails.restart",
        "Put fresh guards with fresh threads at every post.",
        Risk.AUTOMATIC,
        lambda _, __: ActionResult(f"Restarted {guardrails.restart()} guards."),
        dry_run,
        no_undo_because="the guards it replaces hold no state",
        effect=Effect.REPEATABLE,
    )
