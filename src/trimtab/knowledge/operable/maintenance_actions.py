"""Actions on stored data: checks, repair, backups, restore, clean-up and memory profiles."""

from collections.abc import Iterable

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
from trimtab.knowledge.errors import NoDiskBudget
from trimtab.knowledge.maintenance.space import usage_facts
from trimtab.knowledge.service import Knowledge


def actions(knowledge: Knowledge) -> Iterable[Action]:
    """Yield every maintenance action."""
    yield _check(knowledge)
    yield _repair(knowledge)
    yield _restore(knowledge)
    yield _recover(knowledge)
    yield _backup(knowledge)
    yield _clean_up(knowledge)
    yield _usage(knowledge)
    yield _budget(knowledge)
    yield _grow(knowledge)
    yield _heap_dump(knowledge)
    yield _profile(knowledge)
    yield _report(knowledge)
    yield _recycle(knowledge)


def _check(knowledge: Knowledge) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        found = knowledge.maintenance.check()
        text = "Found nothing wrong." if found.ok else f"Found damage: {found.problems[0]}."
        facts = {"damage": found.damage.value, "problems": list(found.problems[:20])}
        return ActionResult(text, facts)

    return Action(
        "knowledge.database.check",
        "Check every page, index and reference of the database.",
        Risk.OBSERVE,
        run,
        run,
    )


def _repair(knowledge: Knowledge) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        found = knowledge.maintenance.repair_indexes()
        outcome = "and nothing is wrong now" if found.ok else f"but: {found.problems[0]}"
        return ActionResult(f"Rebuilt all indexes from their rows, {outcome}.", {"ok": found.ok})

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        damage = knowledge.maintenance.integrity.damage.value
        size = knowledge.maintenance.size_bytes()
        return ActionResult(
            f"All indexes would be rebuilt and the file of {size} bytes rewritten; the damage is: "
            f"{damage}. Searches and writes would wait meanwhile.",
            {"damage": damage},
        )

    return Action(
        "knowledge.database.repair_indexes",
        "Rebuild every index of the database from its rows (REINDEX, rebuild, VACUUM).",
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="indexes hold nothing but what their rows say",
        effect=Effect.REPEATABLE,
    )


def _restore(knowledge: Knowledge) -> Action:
    def run(given: Arguments, _: ActionContext) -> ActionResult:
        if knowledge.maintenance.check().ok:
            text = "The database is sound; nothing was restored."
            return ActionResult(text, {"restored": False}, changes=False)
        done = knowledge.maintenance.restore(str(given["backup"]))
        facts = done.as_dict()
        return ActionResult(f"Restored {done.source}. {facts['report']}.", facts)

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        if knowledge.maintenance.check().ok:
            return ActionResult("The database is sound; nothing would be restored.", changes=False)
        backup = knowledge.maintenance.backups.newest_good()
        name = str(given["backup"]) or (backup.path.name if backup else "no good backup")
        age = "" if backup is None else f", made at {backup.at.isoformat()}"
        return ActionResult(f"The database would go back to {name}{age}.", {"backup": name})

    return Action(
        "knowledge.database.restore",
        "Go back to a backup; the damaged file is kept, and what was deleted since stays deleted. "
        "Does nothing to a sound database.",
        Risk.APPROVAL,
        run,
        dry_run,
        params=(Param("backup", "string", "Its file name; empty means the newest good one.", ""),),
        no_undo_because="the damaged file is kept next to it as corrupted_*.db",
        effect=Effect.IRREVERSIBLE,
        role=Role.ADMIN,
    )


def _recover(knowledge: Knowledge) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        if knowledge.maintenance.check().ok:
            text = "The database is sound; nothing was recovered."
            return ActionResult(text, {"restored": False}, changes=False)
        done = knowledge.maintenance.recover()
        facts = done.as_dict()
        return ActionResult(
            f"Put {done.recovered} readable documents together with {done.source}. "
            f"{facts['report']}.",
            facts,
        )

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        if knowledge.maintenance.check().ok:
            return ActionResult("The database is sound; nothing would be recovered.", changes=False)
        backup = knowledge.maintenance.backups.newest_good()
        name = backup.path.name if backup else "no backup"
        return ActionResult(
            f"What can be read of the damaged file would be put together with {name}.",
            {"backup": name},
        )

    return Action(
        "knowledge.database.recover",
        "Put what can be read of a damaged database together with the newest good backup. "
        "Does nothing to a sound database.",
        Risk.APPROVAL,
        run,
        dry_run,
        no_undo_because="the damaged file is kept next to it as corrupted_*.db",
        effect=Effect.IRREVERSIBLE,
        role=Role.ADMIN,
    )


def _backup(knowledge: Knowledge) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        made = knowledge.maintenance.backup()
        facts = {"backup": made.path.name, "bytes": made.size_bytes}
        return ActionResult(f"Took the backup {made.path.name}.", facts)

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        size = knowledge.maintenance.size_bytes()
        return ActionResult(f"A backup of about {size} bytes would be taken.", {"bytes": size})

    return Action(
        "knowledge.backup.take",
        "Take a backup, check it, and remove those that are too old.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="a backup more does no harm",
        effect=Effect.REPEATABLE,
    )


def _clean_up(knowledge: Knowledge) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        done = knowledge.maintenance.clean_up()
        return ActionResult(
            f"{done.report}: {_freed(done.measured_bytes)} {done.disk.free_bytes} bytes are free.",
            done.facts(),
        )

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        cleanup = knowledge.maintenance.disk
        found, logs = cleanup.reclaimable(), cleanup.compressible_bytes()
        more = 0 if cleanup.enough() else cleanup.spare_backup_bytes()
        text = f"{sum(found.values())} bytes would be removed"
        if logs:
            text += f", and logs of {logs} bytes compressed; how much that frees is unknown"
        if more:
            text += f"; the disk is nearly full, so up to {more} bytes of more backups, too"
        facts = {"bytes": found, "compressible_bytes": logs, "more_backups_bytes": more}
        return ActionResult(f"{text}.", facts, changes=bool(sum(found.values()) + logs + more))

    return Action(
        "knowledge.disk.clean_up",
        "Remove old logs, snapshots, temporary files and backups, then compress older logs.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="it removes only expired files; on a nearly full disk also old backups",
        effect=Effect.REPEATABLE,
    )


def _freed(measured: int) -> str:
    if measured < 0:
        return f"others wrote {-measured} bytes more than was freed;"
    return f"freed {measured} bytes;"


def _usage(knowledge: Knowledge) -> Action:
    def run(given: Arguments, _: ActionContext) -> ActionResult:
        cleanup = knowledge.maintenance.disk
        facts = usage_facts(cleanup.disk(), cleanup.largest(int(given["limit"])))
        first = next(iter(facts["largest"]), None)
        text = f"{facts['free_bytes']} of {facts['total_bytes']} bytes are free"
        if first is not None:
            text += f"; {first['name']} takes most: {first['bytes']} bytes"
        return ActionResult(f"{text}.", facts)

    return Action(
        "knowledge.disk.usage",
        "Measure what takes most disk space in the data directory.",
        Risk.OBSERVE,
        run,
        run,
        params=(Param("limit", "integer", "How many entries.", 20, 1, 1000),),
    )


def _grow(knowledge: Knowledge) -> Action:
    maintenance = knowledge.maintenance

    def put_back(given: Arguments, _: ActionContext) -> ActionResult:
        maintenance.set_disk_budget(int(given["megabytes"]))
        return ActionResult(f"The data directory may use {given['megabytes']} MB again.")

    def run(_: Arguments, __: ActionContext) -> ActionResult:
        after = maintenance.doubled_budget_mb()
        before = maintenance.set_disk_budget(after)
        return ActionResult(
            f"The data directory may use {after} MB; it was {before} MB.",
            {"before_mb": before, "after_mb": after},
            undo_arguments={"megabytes": before},
        )

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        try:
            after = maintenance.doubled_budget_mb()
        except NoDiskBudget as error:
            return ActionResult(f"Nothing would change. {error.message}", changes=False)
        return ActionResult(f"The data directory could use {after} MB.", {"after_mb": after})

    return Action(
        "knowledge.disk.grow_budget",
        "Double the disk budget of the data directory, as far as the disk has free space.",
        Risk.APPROVAL,
        run,
        dry_run,
        undo=put_back,
        effect=Effect.REVERSIBLE,
    )


def _budget(knowledge: Knowledge) -> Action:
    def run(given: Arguments, _: ActionContext) -> ActionResult:
        before = knowledge.maintenance.set_disk_budget(int(given["megabytes"]))
        return ActionResult(
            f"The data directory may use {given['megabytes']} MB; it was {before} MB.",
            {"megabytes": given["megabytes"]},
            undo_arguments={"megabytes": before},
            changes=before != int(given["megabytes"]),
        )

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        before, after = knowledge.maintenance.disk.budget_bytes // 1024**2, int(given["megabytes"])
        if before == after:
            return ActionResult(f"The budget is {after} MB already.", changes=False)
        return ActionResult(
            f"The budget of the data directory would change from {before} to {after} MB "
            "(0: the whole disk)."
        )

    return Action(
        "knowledge.disk.set_budget",
        "Say how much of its disk the data directory may use.",
        Risk.APPROVAL,
        run,
        dry_run,
        params=(Param("megabytes", "integer", "0 means the whole disk.", None, 0, 10**9),),
        undo=run,
        effect=Effect.REVERSIBLE,
    )


def _heap_dump(knowledge: Knowledge) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        file = knowledge.maintenance.folder / "heap_dump.txt"
        found = knowledge.maintenance.memory.dump(file)
        return ActionResult(
            f"Wrote {file.name}: {found.resident_mb} MB.", {"objects": found.objects}
        )

    return Action(
        "knowledge.memory.heap_dump",
        "Write types, counts and minimum sizes of all objects to heap_dump.txt; no contents.",
        Risk.OBSERVE,
        run,
        lambda _, __: ActionResult("heap_dump.txt would be written into the data directory."),
    )


def _profile(knowledge: Knowledge) -> Action:
    growth = knowledge.maintenance.growth

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        seconds = int(given["seconds"])
        if not growth.start(seconds):
            return ActionResult("A memory profile is under way already.", {"started": False})
        return ActionResult(
            f"What grows is written to {growth.file.name} in {seconds} s.", {"started": True}
        )

    return Action(
        "knowledge.memory.profile",
        "Record which lines of code allocate memory; written to memory_profile.txt, no contents.",
        Risk.OBSERVE,
        run,
        lambda given, _: ActionResult(f"Allocations would be watched for {given['seconds']} s."),
        params=(Param("seconds", "integer", "How long to watch.", 300, 1, 3600),),
    )


def _report(knowledge: Knowledge) -> Action:
    def run(given: Arguments, _: ActionContext) -> ActionResult:
        file = knowledge.maintenance.memory_report.write(float(given["seconds"]))
        megabytes = round(file.stat().st_size / 1e6, 1)
        return ActionResult(
            f"Wrote {file.name} ({megabytes} MB).", {"file": file.name, "megabytes": megabytes}
        )

    return Action(
        "knowledge.memory.report",
        "Write memray's capture and flame graph with the heap dump as a bug report; no contents.",
        Risk.OBSERVE,
        run,
        lambda given, _: ActionResult(f"Allocations would be recorded for {given['seconds']} s."),
        params=(Param("seconds", "integer", "How long to record.", 30, 1, 300),),
    )


def _recycle(knowledge: Knowledge) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        pid = knowledge.parts.parser.worker_pid
        knowledge.parts.parser.stop_worker()
        if pid is None:
            return ActionResult("The parser had no process to end.", changes=False)
        return ActionResult("Ended the parser's process; the next file starts a fresh one.")

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        pid = knowledge.parts.parser.worker_pid
        if pid is None:
            return ActionResult("The parser has no process to end.", changes=False)
        return ActionResult(f"The parser's process {pid} would be ended after its present file.")

    return Action(
        "knowledge.parser.recycle",
        "End the parser's process, and all memory that it holds.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="a fresh process starts by itself when it is needed",
        effect=Effect.REPEATABLE,
    )
