"""Actions that keep tables and indexes in order: analyze, vacuum, reindex."""

from collections.abc import Sequence

from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)
from trimtab.postgresql.errors import PostgresUnknown
from trimtab.postgresql.server import Row, WatchedServer

_TABLES = """
SELECT format('%I.%I', schemaname, relname) AS name, n_live_tup AS live, n_dead_tup AS dead,
       n_mod_since_analyze AS changed, coalesce(last_vacuum, last_autovacuum)::text AS vacuumed,
       coalesce(last_analyze, last_autoanalyze)::text AS analyzed
FROM pg_stat_user_tables ORDER BY n_dead_tup DESC, relname
"""
_INDEXES = """
SELECT format('%I.%I', n.nspname, c.relname) AS name, i.indisvalid AS valid,
       pg_relation_size(c.oid) AS bytes, coalesce(s.idx_scan, 0) AS scans
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = i.indexrelid
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1
"""
_WHICH = Param("table", "string", "The table as schema.table; empty for all.", "")


def read_tables(server: WatchedServer, name: str = "") -> list[Row]:
    """Return the user's tables, those with most dead rows first; raises `PostgresUnknown`."""
    rows = server.query(_TABLES)
    return _only(rows, name, "table") if name else rows


def read_indexes(server: WatchedServer, name: str = "") -> list[Row]:
    """Return the user's indexes by name; raises `PostgresUnknown`."""
    rows = server.query(_INDEXES)
    return _only(rows, name, "index") if name else rows


def run_on(server: WatchedServer, statement: str, names: Sequence[str]) -> None:
    """Run a maintenance statement on each name, which the server itself has quoted."""
    with server.session() as connection:
        for name in names:
            connection.execute(f"{statement} {name}".encode())


def care_actions(server: WatchedServer) -> tuple[Action, ...]:
    """Return analyze, vacuum and reindex."""
    return (
        _on_tables(server, "analyze", "ANALYZE", "Update the planner's statistics of tables."),
        _on_tables(
            server,
            "vacuum",
            "VACUUM (ANALYZE)",
            "Remove dead rows of tables and update the planner's statistics.",
        ),
        _reindex(server),
    )


def _on_tables(server: WatchedServer, name: str, statement: str, text: str) -> Action:
    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        tables = read_tables(server, str(given["table"]))
        dead = sum(row["dead"] for row in tables)
        text = f"`{statement}` would run on {len(tables)} tables, which have {dead} dead rows."
        return ActionResult(text, {"tables": tables}, changes=bool(tables))

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        tables = read_tables(server, str(given["table"]))
        run_on(server, statement, [row["name"] for row in tables])
        dead = sum(row["dead"] for row in tables)
        text = f"Ran `{statement}` on {len(tables)} tables, which had {dead} dead rows."
        return ActionResult(text, {"tables": tables}, changes=bool(tables))

    return Action(
        f"postgresql.{name}",
        text,
        Risk.AUTOMATIC,
        run,
        dry_run,
        (_WHICH,),
        no_undo_because="it changes no row; it may be run at any time",
        effect=Effect.REPEATABLE,
        limit_seconds=7200.0,
    )


def _reindex(server: WatchedServer) -> Action:
    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        indexes = read_indexes(server, str(given["index"]))
        size = sum(row["bytes"] for row in indexes)
        text = f"{len(indexes)} indexes of {size} bytes would be rebuilt, without blocking writes."
        return ActionResult(text, {"indexes": indexes}, changes=bool(indexes))

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        indexes = read_indexes(server, str(given["index"]))
        run_on(server, "REINDEX INDEX CONCURRENTLY", [row["name"] for row in indexes])
        return ActionResult(f"Rebuilt {len(indexes)} indexes.", changes=bool(indexes))

    return Action(
        "postgresql.reindex",
        "Rebuild indexes while tables stay writable.",
        Risk.AUTOMATIC,
        run,
        dry_run,
        (Param("index", "string", "The index as schema.index; empty for all.", ""),),
        no_undo_because="the rebuilt index holds the same entries",
        effect=Effect.REPEATABLE,
        limit_seconds=7200.0,
    )


def _only(rows: list[Row], name: str, kind: str) -> list[Row]:
    found = [row for row in rows if row["name"] == name]
    if not found:
        known = ", ".join(row["name"] for row in rows[:10])
        raise PostgresUnknown(f"There is no {kind} {name!r}.", hint=f"There are: {known}.")
    return found
