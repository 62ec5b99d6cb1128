"""Actions of the review domain."""

from trimtab.infra.restartable import RestartableTask, restart_action
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)
from trimtab.review.records import FEEDBACK_QUEUE, ReviewQueue
from trimtab.review.service import Reviews

_QUEUES = (*map(str, ReviewQueue), FEEDBACK_QUEUE)


def actions(
    reviews: Reviews, collector: RestartableTask, feedback: RestartableTask
) -> tuple[Action, ...]:
    """Return every action of the domain."""
    return (
        _clear(reviews),
        _quarantine(reviews),
        _collect(reviews),
        _process(reviews),
        restart_action(
            "review.restart", "Restart the filling of the review queues alone.", lambda: collector
        ),
        restart_action(
            "review.feedback.restart",
            "Restart the processing of the feedback alone.",
            lambda: feedback,
        ),
    )


def _clear(reviews: Reviews) -> Action:
    def depth(queue: str) -> int:
        return next(each.depth for each in reviews.queue_figures() if each.queue == queue)

    def run(given: Arguments, context: ActionContext) -> ActionResult:
        archive = reviews.clear(str(given["queue"]), context.actor)
        return ActionResult(
            f"Archived {archive.items} items of {archive.queue} as {archive.id}.",
            {"archive": archive.id, "items": archive.items},
            {"archive": archive.id},
            changes=archive.items > 0,
        )

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        count = depth(str(given["queue"]))
        return ActionResult(f"{count} items would be archived.", changes=count > 0)

    def undo(given: Arguments, _: ActionContext) -> ActionResult:
        return ActionResult(f"Queued {reviews.restore(str(given['archive']))} items again.")

    return Action(
        "review.queue.clear",
        "Archive the open items of a stuck queue; the archive can be restored.",
        Risk.APPROVAL,
        run,
        dry_run,
        (Param("queue", "string", "The queue.", choices=_QUEUES),),
        undo,
        effect=Effect.REVERSIBLE,
    )


def _quarantine(reviews: Reviews) -> Action:
    def run(_: Arguments, context: ActionContext) -> ActionResult:
        archive = reviews.quarantine(context.actor)
        return ActionResult(
            f"Archived {archive.items} damaged items as {archive.id}.",
            {"archive": archive.id, "items": archive.items},
            {"archive": archive.id},
            changes=archive.items > 0,
        )

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        count = reviews.damaged_items()
        return ActionResult(f"{count} damaged items would be archived.", changes=count > 0)

    def undo(given: Arguments, _: ActionContext) -> ActionResult:
        return ActionResult(f"Put back {reviews.restore(str(given['archive']))} items.")

    return Action(
        "review.queue.quarantine",
        "Archive the review items that cannot be read; the archive can be restored.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        undo=undo,
        effect=Effect.REVERSIBLE,
    )


def _collect(reviews: Reviews) -> Action:
    return Action(
        "review.collect",
        "Fill the review queues now, from answers, guards, gates and feedback.",
        Risk.AUTOMATIC,
        lambda _, __: ActionResult(f"Queued {reviews.collect()} new items."),
        lambda _, __: ActionResult("New items would be queued."),
        no_undo_because="the queues ignore what they have",
        effect=Effect.REPEATABLE,
    )


def _process(reviews: Reviews) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        count = reviews.process_feedback()
        return ActionResult(f"Processed {count} items of feedback.", changes=count > 0)

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        depth = reviews.queue_figures()[-1].depth
        return ActionResult(f"At least {depth} items of feedback would be processed.")

    return Action(
        "review.feedback.process",
        "Validate the waiting feedback in batches of 50 and propose candidates.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="a candidate takes effect only when a person approves it",
        effect=Effect.REPEATABLE,
    )
