"""Actions on sessions: list queries and locks, and end what runs or blocks for too long."""

from collections.abc import Callable

from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
    Run,
)
from trimtab.postgresql.server import WatchedServer
from trimtab.postgresql.sessions import (
    ClientSession,
    blockers,
    long_queries,
    read_sessions,
    read_waits,
    terminate,
)

LISTED_SECONDS = 300.0
"""Queries that run longer are listed (HYB-03)."""
TERMINATED_SECONDS = 600.0
"""Queries that run longer may be terminated, after approval (HYB-03)."""
_TOP = """
SELECT left(query, 300) AS query, calls, mean_exec_time::float8 AS mean_ms,
       total_exec_time::float8 AS total_ms
FROM pg_stat_statements ORDER BY mean_exec_time DESC LIMIT 10
"""
_LOADED = "SELECT to_regclass('pg_stat_statements') IS NOT NULL AS loaded"
_LOCKS = """
SELECT l.pid, l.mode, l.locktype, coalesce(l.relation::regclass::text, '') AS relation,
       pg_blocking_pids(l.pid) AS blocked_by,
       extract(epoch FROM now() - l.waitstart)::float8 AS waiting_seconds
FROM pg_locks l WHERE NOT l.granted ORDER BY l.waitstart
"""
_Choose = Callable[[float], list[ClientSession]]


def session_actions(server: WatchedServer, clock: Clock) -> tuple[Action, ...]:
    """Return the actions on sessions and the reports on queries."""
    return (
        _observing(
            "postgresql.queries",
            "List the queries that have run longer than a time.",
            _list_queries(server, clock),
            (Param("older_seconds", "number", "The time.", LISTED_SECONDS, minimum=0),),
        ),
        _observing(
            "postgresql.top_queries",
            "List the ten statements with the longest mean execution time.",
            lambda _given, _context: top_queries(server),
        ),
        _observing(
            "postgresql.locks",
            "List the locks that are not granted, and who holds them.",
            lambda _given, _context: _list_locks(server),
        ),
        _ending(
            "postgresql.terminate_queries",
            "End the sessions whose query has run longer than a time.",
            server,
            lambda older: long_queries(read_sessions(server, clock), older),
            Param("older_seconds", "number", "The time.", TERMINATED_SECONDS, minimum=1),
        ),
        _ending(
            "postgresql.terminate_blockers",
            "End the sessions for whose locks others have waited longer than a time.",
            server,
            lambda waiting: blockers(
                read_sessions(server, clock), read_waits(server, clock), waiting
            ),
            Param("waiting_seconds", "number", "The time.", 60.0, minimum=1),
        ),
    )


def top_queries(server: WatchedServer) -> ActionResult:
    """Return the ten slowest statements, or say that pg_stat_statements is not loaded."""
    if not server.query(_LOADED)[0]["loaded"]:
        return ActionResult(
            "pg_stat_statements is not loaded, so no execution times are known: add it to"
            " shared_preload_libraries, restart, and run `CREATE EXTENSION pg_stat_statements`.",
            {"loaded": False, "queries": []},
            changes=False,
        )
    rows = server.query(_TOP)
    slowest = f"{rows[0]['mean_ms']:.1f} ms" if rows else "none yet"
    text = f"{len(rows)} statements; the longest mean execution time is {slowest}."
    return ActionResult(text, {"loaded": True, "queries": rows}, changes=False)


def _observing(name: str, text: str, run: Run, params: tuple[Param, ...] = ()) -> Action:
    return Action(name, text, Risk.OBSERVE, run, run, params)


def _list_queries(server: WatchedServer, clock: Clock) -> Run:
    def run(given: Arguments, _: ActionContext) -> ActionResult:
        older = float(given["older_seconds"])
        found = long_queries(read_sessions(server, clock), older)
        names = ", ".join(each.describe() for each in found) or "none"
        text = f"{len(found)} queries have run for over {older:g} s: {names}."
        return ActionResult(text, {"queries": [each.as_dict() for each in found]}, changes=False)

    return run


def _list_locks(server: WatchedServer) -> ActionResult:
    rows = server.query(_LOCKS)
    named = ", ".join(
        f"process {row['pid']} waits for {row['mode']} on {row['relation'] or row['locktype']}"
        f" held by {row['blocked_by']}"
        for row in rows
    )
    text = f"{len(rows)} locks are not granted{': ' + named if rows else ''}."
    return ActionResult(text, {"locks": rows}, changes=False)


def _ending(name: str, text: str, server: WatchedServer, choose: _Choose, param: Param) -> Action:
    def chosen(given: Arguments) -> list[ClientSession]:
        return choose(float(given[param.name]))

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        ended = [each for each in chosen(given) if terminate(server, each)]
        names = ", ".join(each.describe() for each in ended) or "none was over the time"
        facts = {"ended": [each.as_dict() for each in ended]}
        return ActionResult(f"Ended {len(ended)} sessions: {names}.", facts, changes=bool(ended))

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        found = chosen(given)
        names = ", ".join(each.describe() for each in found) or "none is over the time"
        facts = {"sessions": [each.as_dict() for each in found]}
        text = f"{len(found)} sessions would be ended: {names}."
        return ActionResult(text, facts, changes=bool(found))

    return Action(
        name,
        text,
        Risk.APPROVAL,
        run,
        dry_run,
        (param,),
        no_undo_because="the transaction is rolled back; its client has to repeat it",
        effect=Effect.IRREVERSIBLE,
    )
