"""Actions on dumps: take one, restore it next to the live one, compare, and switch to it."""

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
from trimtab.postgresql.backups import LATEST, PostgresBackups
from trimtab.postgresql.errors import PostgresConflict, PostgresUnknown

RESULTS = "analysis_results"
"""The table whose rows are counted before and after a restore (HYB-16)."""
_FILE = Param("file", "string", "The dump, such as backup_2026_03_14.sql.", LATEST)
_TABLE = Param("table", "string", "The table whose rows are counted.", RESULTS)


def backup_actions(backups: PostgresBackups, clock: Clock) -> tuple[Action, ...]:
    """Return the actions on dumps."""
    return (
        _take(backups, clock),
        _restore(backups),
        _compare(backups),
        _drop(backups),
        _switch(backups),
    )


def _take(backups: PostgresBackups, clock: Clock) -> Action:
    def dry_run(_given: Arguments, _: ActionContext) -> ActionResult:
        name, keep = f"backup_{clock.now():%Y_%m_%d}.sql", backups.settings.backup_keep
        dumps = [dump.name for dump in backups.dumps()]
        text = f"{backups.database} would be dumped to {name}; {keep} dated dumps are kept."
        return ActionResult(text, {"file": name, "dumps": dumps})

    def run(_given: Arguments, _: ActionContext) -> ActionResult:
        file = backups.take(clock.now())
        copied = backups.copy(file.name)
        deleted, size = backups.prune(backups.settings.backup_keep), file.stat().st_size
        place = f" It was copied to {backups.settings.backup_copies}." if copied else ""
        return ActionResult(
            f"Dumped {backups.database} to {file.name}, {size} bytes; {LATEST} is it.{place}",
            {"file": file.name, "bytes": size, "deleted": deleted, "copied": copied},
        )

    return Action(
        "postgresql.backup",
        "Dump the database under the name of the day.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        no_undo_because="a dump changes no data; the oldest one beyond those kept is deleted",
        effect=Effect.REPEATABLE,
        limit_seconds=7200.0,
    )


def _restore(backups: PostgresBackups) -> Action:
    target = backups.settings.recovery_database

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        file = backups.find(str(given["file"]))
        backups.check_absent(target)
        text = f"{file.name} would be restored as the database {target}, next to the live one."
        return ActionResult(text, {"database": target, "bytes": file.stat().st_size})

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        backups.restore_beside(str(given["file"]))
        live, restored = (backups.measure(name, RESULTS) for name in (backups.database, target))
        text = f"Restored {given['file']} as {target}. {_difference(live, restored, RESULTS)}"
        facts = {"live": live, "restored": restored}
        return ActionResult(text, facts, {"database": target})

    def undo(given: Arguments, _: ActionContext) -> ActionResult:
        backups.drop(str(given["database"]))
        return ActionResult(f"Dropped the database {given['database']}.")

    return Action(
        "postgresql.restore_beside",
        "Restore a dump as a second database next to the live one, and compare both.",
        Risk.APPROVAL,
        run,
        dry_run,
        (_FILE,),
        undo=undo,
        effect=Effect.REVERSIBLE,
        limit_seconds=7200.0,
    )


def _compare(backups: PostgresBackups) -> Action:
    target = backups.settings.recovery_database

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        table = str(given["table"])
        live, restored = (backups.measure(name, table) for name in (backups.database, target))
        facts = {"live": live, "restored": restored}
        return ActionResult(_difference(live, restored, table), facts, changes=False)

    return Action(
        "postgresql.compare",
        "Compare size and rows of the live database and of the restored one.",
        Risk.OBSERVE,
        run,
        run,
        (_TABLE,),
    )


def _drop(backups: PostgresBackups) -> Action:
    target = backups.settings.recovery_database

    def dry_run(_given: Arguments, _: ActionContext) -> ActionResult:
        there = backups.exists(target)
        text = f"The database {target} would be dropped." if there else f"There is no {target}."
        return ActionResult(text, changes=there)

    def run(_given: Arguments, _: ActionContext) -> ActionResult:
        if not backups.exists(target):
            return ActionResult(f"There is no {target}.", changes=False)
        backups.drop(target)
        return ActionResult(f"Dropped the database {target}.")

    return Action(
        "postgresql.drop_recovery",
        "Drop the database that was restored next to the live one.",
        Risk.APPROVAL,
        run,
        dry_run,
        no_undo_because="the dropped database can be restored again only from its dump",
        effect=Effect.IRREVERSIBLE,
    )


def _switch(backups: PostgresBackups) -> Action:
    target = backups.settings.recovery_database

    def check() -> str:
        live = backups.database
        if not backups.exists(target):
            raise PostgresUnknown(
                f"There is no database {target!r}.",
                hint="Restore a dump first: `trimtab act postgresql.restore_beside`.",
            )
        if live in {"postgres", "template1"}:
            raise PostgresConflict(f"{live} is a system database and cannot be renamed.")
        return live

    def dry_run(_given: Arguments, _: ActionContext) -> ActionResult:
        live = check()
        text = f"{target} would become {live}; the live database would be kept as {live}_replaced."
        facts = {name: backups.measure(name, RESULTS) for name in (live, target)}
        return ActionResult(text, facts)

    def run(_given: Arguments, _: ActionContext) -> ActionResult:
        live = check()
        backups.switch(live, target, f"{live}_replaced")
        text = f"{target} is {live} now; the former database is {live}_replaced."
        return ActionResult(text, undo_arguments={"live": live})

    def undo(given: Arguments, _: ActionContext) -> ActionResult:
        live = str(given["live"])
        backups.switch(live, f"{live}_replaced", target)
        return ActionResult(f"The former database is {live} again; the restored one is {target}.")

    return Action(
        "postgresql.switch_to_recovery",
        "Let the restored database take the place of the live one, whose data is kept.",
        Risk.APPROVAL,
        run,
        dry_run,
        undo=undo,
        effect=Effect.REVERSIBLE,
    )


def _difference(live: dict[str, object], restored: dict[str, object], table: str) -> str:
    """Return sizes and rows of both databases in one sentence."""
    counts = [_rows(each) for each in (live, restored)]
    if not any(counts):
        rows = f"neither has a table {table}"
    else:
        equal = "the same rows" if counts[0] == counts[1] else "different rows"
        numbers = [sum(count.values()) for count in counts]
        rows = f"{equal} of {table}: {numbers[0]} and {numbers[1]}"
    return f"The live database has {live['bytes']} bytes, the restored {restored['bytes']}; {rows}."


def _rows(measured: dict[str, object]) -> dict[str, int]:
    rows = measured["rows"]
    return rows if isinstance(rows, dict) else {}
