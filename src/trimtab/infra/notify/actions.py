"""Notification actions for runbooks."""

from trimtab.infra.notify.outbox import Outbox
from trimtab.infra.notify.routes import Kind, Message
from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)


def actions(outbox: Outbox, clock: Clock) -> tuple[Action, ...]:
    """Return the actions that send notifications."""

    def send(given: Arguments, context: ActionContext) -> ActionResult:
        channel = str(given["channel"])
        message = Message(channel, Kind.NOTE, str(given["text"]), context.idempotency_key)
        outbox.add(message, clock.now())
        return ActionResult(f"Wrote to {channel}.", {"channel": channel})

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        return ActionResult(f"{given['channel']} would receive: {given['text']}")

    return (
        Action(
            "notify.send",
            "Send a message to people.",
            Risk.AUTOMATIC,
            send,
            dry_run,
            params=(
                Param("channel", "string", "Such as #incidents."),
                Param("text", "string", "The text of the message."),
            ),
            no_undo_because="a message that was sent cannot be withdrawn",
            effect=Effect.REPEATABLE,
        ),
    )
