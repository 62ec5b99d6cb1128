"""Signal and actions of maintenance mode."""

from dataclasses import asdict

from trimtab.infra.maintenance import SCOPES, MaintenanceMode
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
    Run,
    Sample,
    Signal,
)


def signals(maintenance: MaintenanceMode) -> tuple[Signal, ...]:
    """Return whether maintenance mode is on."""
    return (
        Signal(
            "service.maintenance",
            "1",
            "1 while maintenance mode is on.",
            lambda: (Sample(float(maintenance.on)),),
        ),
    )


def actions(maintenance: MaintenanceMode) -> tuple[Action, ...]:
    """Return the actions that switch maintenance mode on and off."""
    return (_start(maintenance), _stop(maintenance))


def _start(maintenance: MaintenanceMode) -> Action:
    def run(given: Arguments, context: ActionContext) -> ActionResult:
        before, was_on = _undo_arguments(maintenance), maintenance.on
        done = maintenance.start(context.actor, str(given["message"]), str(given["scope"]))
        text = f"Maintenance mode is on: {done.message}."
        return ActionResult(text, {"scope": done.scope}, before, changes=not was_on)

    return Action(
        "service.maintenance.start",
        "Refuse writes and questions with 503 and a message; reads and alerts continue.",
        Risk.APPROVAL,
        run,
        lambda _, __: _preview(maintenance, on=True),
        (
            Param("message", "string", "Text for callers; empty uses the setting.", ""),
            Param("scope", "string", "What is refused.", "all", choices=SCOPES),
        ),
        _undo(maintenance),
        effect=Effect.REVERSIBLE,
    )


def _stop(maintenance: MaintenanceMode) -> Action:
    def run(_: Arguments, context: ActionContext) -> ActionResult:
        before, was_on = _undo_arguments(maintenance), maintenance.on
        maintenance.stop(context.actor)
        return ActionResult("Maintenance mode is off.", {}, before, changes=was_on)

    return Action(
        "service.maintenance.stop",
        "End maintenance mode.",
        Risk.APPROVAL,
        run,
        lambda _, __: _preview(maintenance, on=False),
        (),
        _undo(maintenance),
        effect=Effect.REVERSIBLE,
    )


def _undo(maintenance: MaintenanceMode) -> Run:
    def undo(given: Arguments, _: ActionContext) -> ActionResult:
        state = maintenance.restore(given)
        return ActionResult(f"Maintenance mode is {'on' if state.on else 'off'} again.")

    return undo


def _undo_arguments(maintenance: MaintenanceMode) -> Arguments:
    return dict(asdict(maintenance.state))


def _preview(maintenance: MaintenanceMode, *, on: bool) -> ActionResult:
    changes = maintenance.on is not on
    text = "would change" if changes else "is so already"
    return ActionResult(f"Maintenance mode {'on' if on else 'off'}: {text}.", changes=changes)
