"""Actions of trained models: reload, fetch again, roll back, and fallbacks."""

from trimtab.infra.breaker import BreakerState
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
    Value,
)
from trimtab.kernel.roles import Role
from trimtab.models.errors import AliasRefused
from trimtab.models.records import PREVIOUS, PRODUCTION
from trimtab.models.service import Models

_NAME = Param("name", "string", "The model; empty for every model that serves.", "")
_MB = 1024 * 1024


def actions(models: Models) -> tuple[Action, ...]:
    """Return every action of the domain."""
    return (
        _reload(models),
        _resync(models),
        _rollback(models),
        _set_fallback(models),
        _set_cache(models),
    )


def _names(models: Models, given: Arguments) -> list[str]:
    name = str(given["name"])
    return [name] if name else list(models.serving.servers)


def _reload(models: Models) -> Action:
    def run(given: Arguments, _: ActionContext) -> ActionResult:
        names = _names(models, given)
        for name in names:
            models.registry.versions(name)
            models.serving.refresh(name, reload=True)
        return ActionResult(
            f"Loaded and proved {len(names)} models again.", {"models": names}, changes=bool(names)
        )

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        names = _names(models, given)
        text = f"{len(names)} models would be loaded and proved again."
        return ActionResult(text, {"models": names}, changes=bool(names))

    return Action(
        "models.reload",
        "Load what serves again: new thread, new circuit breaker, golden batch.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        (_NAME,),
        no_undo_because="the same version serves before and after",
        effect=Effect.REPEATABLE,
    )


def _resync(models: Models) -> Action:
    def run(given: Arguments, _: ActionContext) -> ActionResult:
        repaired = [done for name in _names(models, given) for done in models.repair(name)]
        text = f"Fetched the files of {len(repaired)} versions again."
        return ActionResult(text, {"versions": repaired}, changes=bool(repaired))

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        damaged = [
            problem for name in _names(models, given) for problem in models.find_damaged(name)
        ]
        text = f"The files of {len(damaged)} versions would be fetched again."
        return ActionResult(text, {"versions": damaged}, changes=bool(damaged))

    return Action(
        "models.resync",
        "Fetch damaged files of what serves from the second place, and serve them.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        (_NAME,),
        no_undo_because="only files that differ from the signed manifest are replaced",
        effect=Effect.REPEATABLE,
    )


def _rollback(models: Models) -> Action:
    registry = models.registry

    def run(given: Arguments, context: ActionContext) -> ActionResult:
        name = str(given["name"]) or _failing(models)
        before = registry.aliases(name)
        moves = registry.rollback(name, context.actor, "rollback", key=context.idempotency_key)
        version = registry.aliases(name).get(PRODUCTION)
        undo: dict[str, Value] = {
            "name": name,
            "production": before.get(PRODUCTION, 0),
            "previous": before.get(PREVIOUS, 0),
        }
        return ActionResult(
            f"{name}@{version} serves again.", {"moves": len(moves)}, undo, changes=bool(moves)
        )

    def undo(given: Arguments, context: ActionContext) -> ActionResult:
        name, version = str(given["name"]), int(given["production"])
        key = f"{context.idempotency_key}/undo"
        registry.promote(name, version, context.actor, "undo of a rollback", key=key)
        return ActionResult(f"{name}@{version} serves again.")

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        name = str(given["name"]) or _failing(models)
        target = registry.resolve(name, PREVIOUS)
        current = registry.resolve(name, PRODUCTION)
        return ActionResult(
            f"{target.ref} would serve instead of {current.ref}.",
            {"from": current.version, "to": target.version},
        )

    return Action(
        "models.rollback",
        "Let the previous version of a model serve again.",
        Risk.APPROVAL,
        run,
        dry_run,
        (Param("name", "string", "The model; empty for the one whose version fails.", ""),),
        undo=undo,
        effect=Effect.REVERSIBLE,
        role=Role.ADMIN,
    )


def _failing(models: Models) -> str:
    """Return the only model whose production version does not answer.

    Raises:
        AliasRefused: There is none, or more than one.
    """
    found = [
        name
        for name, server in models.serving.servers.items()
        if (served := server.routing.servers.get(PRODUCTION)) is None
        or served.breaker.state is not BreakerState.CLOSED
    ]
    if len(found) != 1:
        raise AliasRefused(
            f"{len(found)} models have a production version that fails.",
            hint="Name the model: models.rollback name=NAME.",
        )
    return found[0]


def _set_fallback(models: Models) -> Action:
    serving = models.serving

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        before = serving.fallback_enabled
        serving.fallback_enabled = bool(given["enabled"])
        return ActionResult(
            f"Fallbacks are {'on' if serving.fallback_enabled else 'off'}.",
            {},
            {"enabled": before},
            changes=before != serving.fallback_enabled,
        )

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        changes = bool(given["enabled"]) != serving.fallback_enabled
        word = "on" if given["enabled"] else "off"
        return ActionResult(f"Fallbacks would be {word}.", changes=changes)

    return Action(
        "models.fallback",
        "Let the previous version or the rule baseline answer for a model that fails, or not.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        (Param("enabled", "boolean", "Whether fallbacks answer.", default=True),),
        undo=run,
        effect=Effect.REVERSIBLE,
    )


def _set_cache(models: Models) -> Action:
    cache = models.serving.cache

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        before: dict[str, float] = {
            "ttl_seconds": cache.ttl_seconds,
            "max_mb": cache.max_bytes / _MB,
        }
        cache.resize(float(given["ttl_seconds"]), int(float(given["max_mb"]) * _MB))
        text = f"Results are cached for {cache.ttl_seconds:g} s in {given['max_mb']:g} MB."
        return ActionResult(text, {}, before)

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        text = f"Results would be cached for {given['ttl_seconds']:g} s in {given['max_mb']:g} MB."
        return ActionResult(text)

    return Action(
        "models.cache.resize",
        "Set age and memory of cached results until the next start; the entries are dropped.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        (
            Param("ttl_seconds", "number", "Age at which a result is dropped.", 3600.0, 0),
            Param("max_mb", "number", "Memory of the results.", 1024.0, 0),
        ),
        undo=run,
        effect=Effect.REVERSIBLE,
    )
