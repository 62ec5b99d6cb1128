"""Notification actions for runbooks."""

from trimtab.infra.notify.outbox import Outbox
from trimtab.infra.notify.routes import Kind, Message
from trimtab.infra.notify.service import Notifications
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


def notification_actions(notifications: Notifications) -> tuple[Action, ...]:
    """Return the actions that test channels and send dead letters again."""

    def test(given: Arguments, _: ActionContext) -> ActionResult:
        results = notifications.test(str(given["channel"]))
        if not results:
            return ActionResult("No channel is configured, so no one was told.", changes=False)
        failed = [f"{each.channel} ({each.error})" for each in results if each.error]
        text = f"failed: {', '.join(failed)}" if failed else "all work"
        return ActionResult(f"Tested {len(results)} channels: {text}.")

    def replay(_: Arguments, __: ActionContext) -> ActionResult:
        count = notifications.replay()
        return ActionResult(f"{count} messages are sent again.", changes=count > 0)

    def dead() -> int:
        return len(notifications.newest("dead", 1000))

    return (
        Action(
            "notify.test",
            "Test a notification channel, or each.",
            Risk.AUTOMATIC,
            test,
            lambda _, __: ActionResult(
                f"Would test: {', '.join(notifications.channels) or 'none'}."
            ),
            (Param("channel", "string", "Its name, such as slack; empty tests each.", ""),),
            no_undo_because="a message that was sent cannot be withdrawn",
            effect=Effect.REPEATABLE,
        ),
        Action(
            "notify.replay",
            "Send the messages again that were given up.",
            Risk.AUTOMATIC,
            replay,
            lambda _, __: ActionResult(f"{dead()} deliveries would be tried again."),
            no_undo_because="a message that was sent cannot be withdrawn",
            effect=Effect.REPEATABLE,
        ),
    )
