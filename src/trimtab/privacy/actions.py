"""Actions of the privacy domain."""

from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)
from trimtab.kernel.roles import Role
from trimtab.privacy.erasure import Erasures, ErasureState


def actions(erasures: Erasures) -> tuple[Action, ...]:
    """Return every action of the domain; their names keep the prefix that runbooks know."""
    return (_erase(erasures), _retry(erasures))


def _erase(erasures: Erasures) -> Action:
    def run(given: Arguments, context: ActionContext) -> ActionResult:
        erasure = erasures.request(str(given["user_id"]), actor=context.actor)
        return ActionResult(f"Began erasure {erasure.id}.", {"erasure": erasure.id})

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        user = str(given["user_id"])
        found = erasures.count_data(user)
        return ActionResult(f"{sum(found.values())} items would be erased.", found)

    return Action(
        "answers.user.erase",
        "Erase everything about a person, with a signed certificate.",
        Risk.APPROVAL,
        run,
        dry_run,
        (Param("user_id", "string", "The id under which the person asked."),),
        no_undo_because="what is erased on request is gone",
        effect=Effect.IRREVERSIBLE,
        role=Role.ADMIN,
    )


def _retry(erasures: Erasures) -> Action:
    def failed() -> list[str]:
        return erasures.in_state(ErasureState.FAILED)

    def run(_: Arguments, __: ActionContext) -> ActionResult:
        retried = failed()
        for erasure_id in retried:
            erasures.retry(erasure_id)
        text = f"Continued {len(retried)} erasures."
        return ActionResult(text, {"erasures": retried}, changes=bool(retried))

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        waiting = failed()
        text = f"{len(waiting)} erasures would continue."
        return ActionResult(text, {"erasures": waiting}, changes=bool(waiting))

    return Action(
        "answers.erasure.retry",
        "Continue every erasure that has failed.",
        Risk.APPROVAL,
        run,
        dry_run,
        no_undo_because="what is erased on request is gone",
        effect=Effect.IRREVERSIBLE,
        role=Role.ADMIN,
    )
