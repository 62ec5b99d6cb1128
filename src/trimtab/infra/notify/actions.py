"""Notification actions for runbooks."""

from collections.abc import Callable

from trimtab.infra.notify.outage import DESCRIPTION, OutagePages
from trimtab.infra.notify.outbox import Outbox
from trimtab.infra.notify.routes import Kind, Message
from trimtab.infra.notify.service import Notifications
from trimtab.infra.restartable import RestartableTask, restart_action
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


def notification_actions(
    notifications: Notifications, delivery: Callable[[], RestartableTask]
) -> tuple[Action, ...]:
    """Return the actions that test channels, send dead letters again and restart the delivery.

    Args:
        notifications: Tests and replays.
        delivery: Returns the delivery's task, which is built later.
    """

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
        restart_action("notify.restart", "Restart the delivery of notifications alone.", delivery),
    )


def outage_actions(pages: OutagePages) -> tuple[Action, ...]:
    """Return the action that pages people for an outage of the whole system."""

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        resolved = bool(given["resolved"])
        done = pages.resolve() if resolved else pages.trigger(str(given["description"]))
        return ActionResult(done.message, {"receivers": list(done.receivers)}, changes=done.sent)

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        resolved = bool(given["resolved"])
        changes = pages.open is resolved
        what = "resolved" if resolved else "paged"
        return ActionResult(
            f"The outage would be {what}." if changes else f"It was {what} already.",
            changes=changes,
        )

    return (
        Action(
            "notify.page_outage",
            "Page the incident response team for an outage of the whole system, once.",
            Risk.APPROVAL,
            run,
            dry_run,
            (
                Param("description", "string", "What people read.", DESCRIPTION),
                Param("resolved", "boolean", "Say that it is over.", default=False),
            ),
            no_undo_because="a page that was sent cannot be withdrawn; resolved=true ends it",
            effect=Effect.REPEATABLE,
        ),
    )
