"""Actions on the model, the caches, the queue and the search indexes."""

from dataclasses import asdict

from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)
from trimtab.knowledge.cache_manager import CacheSizes
from trimtab.knowledge.operable.device_actions import device_actions
from trimtab.knowledge.operable.engine_actions import actions as engine_actions
from trimtab.knowledge.operable.maintenance_actions import actions as maintenance_actions
from trimtab.knowledge.operable.snapshot_actions import snapshot_actions
from trimtab.knowledge.service import Knowledge


def actions(knowledge: Knowledge) -> tuple[Action, ...]:
    """Return every action of the domain."""
    return (
        _reload(knowledge),
        _reinstall(knowledge),
        _resize(knowledge),
        _warm(knowledge),
        _retry(knowledge),
        _restart_index(knowledge),
        *device_actions(knowledge),
        *engine_actions(knowledge.engines, knowledge.mover),
        *maintenance_actions(knowledge),
        *snapshot_actions(knowledge),
    )


def _reload(knowledge: Knowledge) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        knowledge.reload_model()
        return ActionResult("Loaded the embedding model from its files.")

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        present = knowledge.encoder.files_present()
        verdict = "would be loaded from its files" if present else "has no files to be loaded from"
        facts = {"files_present": present}
        return ActionResult(f"The embedding model {verdict}.", facts, changes=present)

    return Action(
        "knowledge.embedding.reload",
        "Load the embedding model again from the files that are there.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="it only brings back what the service needs in order to work",
        effect=Effect.REPEATABLE,
    )


def _reinstall(knowledge: Knowledge) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        made = knowledge.reinstall_model()
        what = "Rebuilt the embedding model's files" if made else "Found the files intact"
        return ActionResult(f"{what} and loaded them.", {"files_made": made})

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        problem = knowledge.encoder.home.problem()
        found = problem or "every file is intact"
        return ActionResult(
            f"The model's files would be checked ({found}), rebuilt if needed, and loaded.",
            {"problem": problem},
        )

    return Action(
        "knowledge.embedding.reinstall",
        "Rebuild the embedding model's files from the installed package, and load them.",
        Risk.APPROVAL,
        run,
        dry_run,
        no_undo_because="the files it replaces are missing or damaged",
        effect=Effect.REPEATABLE,
    )


def _resize(knowledge: Knowledge) -> Action:
    resizing = _Resizing(knowledge)
    most = 1_000_000
    return Action(
        "knowledge.cache.resize",
        "Let the caches hold more or less, from now on and over restarts.",
        Risk.AUTOMATIC,
        resizing.run,
        resizing.dry_run,
        params=(
            Param("query", "integer", "Search results to keep; 0 leaves it.", 0, 0, most),
            Param("embedding", "integer", "Query vectors to keep; 0 leaves it.", 0, 0, most),
            Param("memory_mb", "integer", "Megabytes for all caches; 0 leaves it.", 0, 0, most),
        ),
        undo=resizing.run,
        effect=Effect.REVERSIBLE,
    )


class _Resizing:
    """Resizes the caches; its undo is another resize."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    def run(self, given: Arguments, _: ActionContext) -> ActionResult:
        before, after = self._knowledge.caches.sizes(), self._requested_sizes(given)
        self._knowledge.caches.resize(after)
        return ActionResult(
            f"Resized the caches: {_change(before, after)}.",
            asdict(after),
            asdict(before),
            changes=before != after,
        )

    def dry_run(self, given: Arguments, _: ActionContext) -> ActionResult:
        before, after = self._knowledge.caches.sizes(), self._requested_sizes(given)
        if before == after:
            return ActionResult("The caches have these sizes already.", changes=False)
        return ActionResult(f"The caches would be resized: {_change(before, after)}.")

    def _requested_sizes(self, given: Arguments) -> CacheSizes:
        now = self._knowledge.caches.sizes()
        return CacheSizes(
            int(given.get("query") or 0) or now.query,
            int(given.get("embedding") or 0) or now.embedding,
            int(given.get("memory_mb") or 0) or now.memory_mb,
        )


def _change(before: CacheSizes, after: CacheSizes) -> str:
    return (
        f"query {before.query} to {after.query}, embedding {before.embedding} to "
        f"{after.embedding} entries, together {before.memory_mb} to {after.memory_mb} MB"
    )


def _warm(knowledge: Knowledge) -> Action:
    def run(given: Arguments, _: ActionContext) -> ActionResult:
        done = knowledge.warm_cache(int(given["top"]), str(given["project"]))
        return ActionResult(
            f"Answered {done.asked} frequent queries into the cache, skipped {done.skipped}.",
            {"asked": done.asked, "skipped": done.skipped},
            changes=done.asked > 0,
        )

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        count = len(knowledge.caches.select_queries(int(given["top"]), str(given["project"])))
        return ActionResult(
            f"{count} frequent queries would be searched and cached; how many of them are cached "
            "already is unknown.",
            {"queries": count},
            changes=count > 0,
        )

    return Action(
        "knowledge.cache.warm",
        "Answer the most frequent queries into the cache, before users ask them again.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        params=(
            Param("top", "integer", "How many queries at most.", 1000, 1, 100_000),
            Param("project", "string", "Only of this project; empty means all.", ""),
        ),
        no_undo_because="entries that no one asks for leave the cache by themselves",
        effect=Effect.REPEATABLE,
    )


def _retry(knowledge: Knowledge) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        count = knowledge.retry_dead_letters()
        text = f"Queued {count} documents again."
        return ActionResult(text, {"documents": count}, changes=count > 0)

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        count = knowledge.documents.counts()["dead"]
        text = f"{count} documents would be queued again."
        return ActionResult(text, {"documents": count}, changes=count > 0)

    return Action(
        "knowledge.ingestion.retry_dead_letters",
        "Try again to embed the documents of the dead-letter list.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="a document that fails again returns to the list by itself",
        effect=Effect.REPEATABLE,
    )


def _restart_index(knowledge: Knowledge) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        knowledge.indexes.restart()
        return ActionResult("Dropped the search indexes; they are rebuilt from the store.")

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        vectors = {found.name: found.vectors for found in knowledge.projects.list()}
        indexes = knowledge.indexes
        held, files = indexes.held_count(), indexes.saved_files()
        size = sum(file.stat().st_size for file in files)
        return ActionResult(
            f"{held} search indexes in memory and {len(files)} files of {size} bytes would be "
            f"dropped, and those of {len(vectors)} projects rebuilt from the store; until then "
            "full text answers, in degraded mode.",
            {"vectors": vectors},
            changes=bool(held or files or indexes.engines.in_use() or not indexes.up),
        )

    return Action(
        "knowledge.index.restart",
        "Drop the search indexes in memory and on disk; they are rebuilt from the store.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="indexes hold nothing but what the store says",
        effect=Effect.REPEATABLE,
    )
