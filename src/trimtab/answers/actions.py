"""What can be done to answers."""

from trimtab.answers.service import AnswerService
from trimtab.kernel.errors import Conflict
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
from trimtab.privacy.erasure import ErasureState


def actions(service: AnswerService) -> tuple[Action, ...]:
    """Return every action of the domain."""
    return (
        _prefer(service),
        _route(service),
        _reset_routes(service),
        _look(service),
        _pin(service),
        _clear_cache(service),
        _send(service),
        _erase(service),
        _retry(service),
    )


def _prefer(service: AnswerService) -> Action:
    models = service.models

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        name = str(given["generator"])
        before = models.prefer(name)
        facts = {"order": list(models.names)}
        if before == name:
            return ActionResult(f"{name} was asked first already.", facts, changes=False)
        service.cache.clear()  # Its drafts are those of the former order.
        return ActionResult(f"{name} is asked before {before}.", facts, {"generator": before})

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        name, first = str(given["generator"]), models.names[0]
        if name == first:
            return ActionResult(f"{name} is asked first already.", changes=False)
        return ActionResult(f"{name} would be asked before {first}.")

    return Action(
        "answers.generator.prefer",
        "Ask one generator before the others; `extractive` quotes and needs no model.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        (Param("generator", "string", "first, second or extractive."),),
        undo=run,
        effect=Effect.REVERSIBLE,
    )


def _route(service: AnswerService) -> Action:
    routing = service.routing

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        project, target = str(given["project"]), str(given["target"])
        before = routing.routes.get(project, project)
        routing.set(project, target)
        undo = {"project": project, "target": before}
        text = f"Questions to {project} go to {target}."
        return ActionResult(text, {"before": before}, undo, changes=before != target)

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        project, target = str(given["project"]), str(given["target"])
        if routing.routes.get(project, project) == target:
            return ActionResult(f"Questions to {project} go to {target} already.", changes=False)
        return ActionResult(f"Questions to {project} would go to {target}.")

    return Action(
        "answers.routing.set",
        "Answer a project's questions from another project; `nowhere` takes it out of service.",
        Risk.APPROVAL,
        run,
        dry_run,
        (
            Param("project", "string", "Whose questions."),
            Param("target", "string", "The other project, `nowhere`, or the project itself."),
        ),
        undo=run,
        effect=Effect.REVERSIBLE,
    )


def _reset_routes(service: AnswerService) -> Action:
    routing = service.routing

    def run(_: Arguments, __: ActionContext) -> ActionResult:
        before = routing.reset()
        pairs = ",".join(f"{project}={target}" for project, target in before.items())
        undo = {"routes": pairs} if before else None
        facts = {"routes": dict(before)}
        return ActionResult(f"Ended {len(before)} routes.", facts, undo, changes=bool(before))

    def undo(given: Arguments, _: ActionContext) -> ActionResult:
        pairs = [pair.partition("=") for pair in str(given["routes"]).split(",")]
        for project, _sign, target in pairs:
            routing.set(project, target)
        return ActionResult(f"Set {len(pairs)} routes again.")

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        routes = dict(routing.routes)
        return ActionResult(f"{len(routes)} routes would end.", routes, changes=bool(routes))

    return Action(
        "answers.routing.reset",
        "Answer every project's questions from its own documents again.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        undo=undo,
        effect=Effect.REVERSIBLE,
    )


def _look(service: AnswerService) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        seen = service.watch.run_once()
        canary = seen.canary
        facts = {
            "answers": seen.figures.answers,
            "canary_recall": canary.recall if canary else None,
            "canary_missed": list(canary.missed) if canary else [],
            "drift": bool(seen.drift and seen.drift.detected),
        }
        return ActionResult(f"Looked at {seen.figures.answers} answers.", facts)

    return Action(
        "answers.watch.look",
        "Look at the answers now: rates, similarity, drift, and the canary's known questions.",
        Risk.OBSERVE,
        run,
        run,
    )


def _pin(service: AnswerService) -> Action:
    def run(_: Arguments, context: ActionContext) -> ActionResult:
        version = service.watch.pin_baseline(context.actor)
        service.watch.run_once()
        return ActionResult(f"Pinned baseline {version}.", {}, {"version": version})

    def undo(given: Arguments, _: ActionContext) -> ActionResult:
        service.watch.unpin_baseline(int(given["version"]))
        return ActionResult(f"Dropped baseline {given['version']}.")

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        count = service.watch.seen.figures.answers
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


def _clear_cache(service: AnswerService) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        count = service.cache.clear()
        return ActionResult(f"Forgot {count} drafts.", changes=count > 0)

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        count = len(service.cache)
        return ActionResult(f"{count} drafts would be forgotten.", changes=count > 0)

    return Action(
        "answers.cache.clear",
        "Forget all remembered drafts.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="what was remembered is written again when it is asked again",
        effect=Effect.REPEATABLE,
    )


def _send(service: AnswerService) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        done = service.exporter.run_once()
        text = f"Sent {done.sent} traces, {done.waiting} wait."
        return ActionResult(text, {"error": done.error}, changes=done.sent > 0)

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        count = service.traces.count_unexported()
        return ActionResult(f"{count} traces would be sent.", changes=count > 0)

    return Action(
        "answers.export.send",
        "Send the waiting traces to the tracing backend now.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="a trace that was sent is the backend's",
        effect=Effect.REPEATABLE,
    )


def _erase(service: AnswerService) -> Action:
    def run(given: Arguments, context: ActionContext) -> ActionResult:
        if service.erasures is None:
            raise Conflict("This process runs no erasures.")
        erasure = service.erasures.request(str(given["user_id"]), actor=context.actor)
        return ActionResult(f"Began erasure {erasure.id}.", {"erasure": erasure.id})

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        user = str(given["user_id"])
        found = {step.name: step.count(user) for step in service.erasables()}
        return ActionResult(f"{sum(found.values())} things of answers would be erased.", found)

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


def _retry(service: AnswerService) -> Action:
    def failed() -> list[str]:
        return service.erasures.in_state(ErasureState.FAILED) if service.erasures else []

    def run(_: Arguments, __: ActionContext) -> ActionResult:
        retried = failed()
        for erasure_id in retried:
            assert service.erasures is not None  # noqa: S101 - something has failed, so there is one.
            service.erasures.retry(erasure_id)
        text = f"Continued {len(retried)} erasures."
        return ActionResult(text, {"erasures": retried}, changes=bool(retried))

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        waiting = failed()
        text = f"{len(waiting)} erasures would continue."
        return ActionResult(text, {"erasures": waiting}, changes=bool(waiting))

    return Action(
        "answers.erasure.retry",
        "Go on with every erasure that has failed.",
        Risk.APPROVAL,
        run,
        dry_run,
        no_undo_because="what is erased on request is gone",
        effect=Effect.IRREVERSIBLE,
        role=Role.ADMIN,
    )
