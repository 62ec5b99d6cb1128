"""Actions of the answers domain."""

from trimtab.answers.service import AnswerService
from trimtab.answers.tracing import SpanExporter
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)


def actions(service: AnswerService, exporter: SpanExporter) -> tuple[Action, ...]:
    """Return every action of the domain."""
    return (
        prefer_generator(service),
        _route(service),
        _reset_routes(service),
        _clear_cache(service),
        _send(service, exporter),
        _check_model(service),
    )


def prefer_generator(service: AnswerService) -> Action:
    """Return the action that changes which generator is asked first; a drill runs it, too."""
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


def _check_model(service: AnswerService) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        report = service.model.check()
        if report is None:
            return ActionResult("No model is connected.", changes=False)
        left = "unknown" if report.credits_usd is None else f"{report.credits_usd:.2f} US dollars"
        facts = {"works": report.works, "key": report.key, "provider": report.provider}
        return ActionResult(
            f"{report.model}: {report.problem or 'it works'}; key {report.key}, credits {left}.",
            {**facts, "credits_usd": report.credits_usd},
            changes=False,
        )

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        endpoint = service.model.endpoint
        found = "No model is connected." if endpoint is None else f"{endpoint.model} is tested."
        return ActionResult(found, changes=False)

    return Action(
        "answers.model.check",
        "Test the connected model: the provider's state, the key's validity and credits.",
        Risk.OBSERVE,
        run,
        dry_run,
    )


def _route(service: AnswerService) -> Action:
    retrieval = service.retrieval

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        project, target = str(given["project"]), str(given["target"])
        before = retrieval.routes.get(project, project)
        retrieval.set_route(project, target)
        undo = {"project": project, "target": before}
        text = f"Questions to {project} go to {target}."
        return ActionResult(text, {"before": before}, undo, changes=before != target)

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        project, target = str(given["project"]), str(given["target"])
        if retrieval.routes.get(project, project) == target:
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
    retrieval = service.retrieval

    def run(_: Arguments, __: ActionContext) -> ActionResult:
        before = retrieval.reset_routes()
        pairs = ",".join(f"{project}={target}" for project, target in before.items())
        undo = {"routes": pairs} if before else None
        facts = {"routes": dict(before)}
        return ActionResult(f"Ended {len(before)} routes.", facts, undo, changes=bool(before))

    def undo(given: Arguments, _: ActionContext) -> ActionResult:
        pairs = [pair.partition("=") for pair in str(given["routes"]).split(",")]
        for project, _sign, target in pairs:
            retrieval.set_route(project, target)
        return ActionResult(f"Set {len(pairs)} routes again.")

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        routes = dict(retrieval.routes)
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


def _clear_cache(service: AnswerService) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        count = service.cache.erase()
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


def _send(service: AnswerService, exporter: SpanExporter) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        done = exporter.run_once()
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
