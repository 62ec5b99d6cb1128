"""Actions on the server's configuration: staged values, reload and restart."""

import threading
import time
from collections.abc import Mapping

from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)
from trimtab.postgresql.errors import PostgresConflict, PostgresRefused, PostgresUnavailable
from trimtab.postgresql.server import Row, WatchedServer

STAGES: Mapping[str, tuple[str, ...]] = {
    "max_connections": ("200", "300"),
    "shared_buffers": ("256MB", "512MB", "1GB"),
    "effective_cache_size": ("1GB", "3GB"),
    "maintenance_work_mem": ("256MB",),
}
"""The values that an action may set, the smallest first (HYB-01, HYB-03)."""
_UNDO = "reset"
_SETTING = """
SELECT s.setting::float8 AS number, current_setting(s.name) AS value, s.context,
       pg_size_bytes(
           CASE WHEN s.unit = '8kB' THEN (s.setting::bigint * 8)::text || 'kB'
                WHEN s.unit = 'kB' THEN s.setting || 'kB' ELSE s.setting END)::float8 AS amount,
       (SELECT f.setting FROM pg_file_settings f
        WHERE f.name = s.name AND f.sourcefile LIKE '%%/postgresql.auto.conf'
        ORDER BY seqno DESC LIMIT 1) AS written
FROM pg_settings s WHERE s.name = %s
"""
_PENDING = "SELECT name FROM pg_settings WHERE pending_restart ORDER BY name"
_PROBLEMS = """
SELECT name, sourcefile, sourceline, error FROM pg_file_settings WHERE error IS NOT NULL
"""
_STANDBYS = "SELECT count(*) AS standbys FROM pg_stat_replication WHERE state = 'streaming'"
_LOADED_AT = "SELECT pg_conf_load_time() AS at"
_RELOAD_LOOKS = 50
_ANSWER_SECONDS = 60.0


def parameter_actions(server: WatchedServer, clock: Clock) -> tuple[Action, ...]:
    """Return the actions on the configuration."""
    return (_set_action(server), _reload_action(server), _restart_action(server, clock))


def _set_action(server: WatchedServer) -> Action:
    values = tuple(dict.fromkeys(value for stage in STAGES.values() for value in stage))

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        name, value, now = _read_stage(server, given)
        if now["written"] == value:
            return ActionResult(f"{name} is already set to {value}.", changes=False)
        later = " after a restart" if now["context"] == "postmaster" else ""
        warning = _warning(server, name)
        text = f"{name} would be raised from {now['value']} to {value}{later}.{warning}"
        return ActionResult(text, {"name": name, "from": now["value"], "to": value})

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        name, value, now = _read_stage(server, given)
        if now["written"] == value:
            return ActionResult(f"{name} is already set to {value}.", changes=False)
        _write(server, name, value)
        later = "; it holds after a restart" if now["context"] == "postmaster" else ""
        return ActionResult(
            f"Raised {name} from {now['value']} to {value}{later}.",
            {"name": name, "from": now["value"], "to": value},
            {"name": name, "value": now["written"] or _UNDO},
        )

    def undo(given: Arguments, _: ActionContext) -> ActionResult:
        name, value = str(given["name"]), str(given["value"])
        _write(server, name, value)
        target = "to what the configuration file says" if value == _UNDO else f"to {value}"
        later = (
            "; it holds after a restart" if _read(server, name)["context"] == "postmaster" else ""
        )
        return ActionResult(f"Set {name} back {target}{later}.")

    return Action(
        "postgresql.set",
        "Raise a setting of PostgreSQL to the next staged value.",
        Risk.APPROVAL,
        run,
        dry_run,
        (
            Param("name", "string", "The setting.", choices=tuple(STAGES)),
            Param("value", "string", "The staged value.", choices=values),
        ),
        undo=undo,
        effect=Effect.REVERSIBLE,
    )


def _read_stage(server: WatchedServer, given: Arguments) -> tuple[str, str, Row]:
    name, value = str(given["name"]), str(given["value"])
    if value not in STAGES[name]:
        raise PostgresRefused(
            f"{name}={value} is not a staged value.",
            hint=f"Choose one of: {', '.join(STAGES[name])}.",
        )
    now = _read(server, name)
    asked = server.query("SELECT pg_size_bytes(%s)::float8 AS amount", (value,))[0]["amount"]
    if asked < now["amount"]:
        raise PostgresConflict(
            f"{name} is {now['value']}, which is more than {value}.",
            hint="Undo the action that raised it, or choose a larger stage.",
        )
    return name, value, now


def _read(server: WatchedServer, name: str) -> Row:
    return server.query(_SETTING, (name,))[0]


def _write(server: WatchedServer, name: str, value: str) -> None:
    # Both are of the tables above, or were read from the server; ALTER SYSTEM takes no parameters.
    from psycopg import sql

    known = sql.Identifier(name if name in STAGES else "")
    statement = (
        sql.SQL("ALTER SYSTEM RESET {}").format(known)
        if value == _UNDO
        else sql.SQL("ALTER SYSTEM SET {} = {}").format(known, sql.Literal(value))
    )
    server.query(statement.as_string())
    _reload(server)


def _reload(server: WatchedServer) -> None:
    """Let the server read its files, and wait until the kept connection has their values."""
    before = server.query(_LOADED_AT)
    server.query("SELECT pg_reload_conf()")
    for _ in range(_RELOAD_LOOKS):
        if server.query(_LOADED_AT) != before:
            return
        time.sleep(0.1)


def _warning(server: WatchedServer, name: str) -> str:
    if name != "max_connections" or not server.query(_STANDBYS)[0]["standbys"]:
        return ""
    # A standby with a lower max_connections than its primary stops replaying.
    return " Raise it on every standby first: one with a lower value stops replaying."


def _reload_action(server: WatchedServer) -> Action:
    def dry_run(_given: Arguments, _: ActionContext) -> ActionResult:
        problems = server.query(_PROBLEMS)
        if problems:
            first = problems[0]
            raise PostgresConflict(
                f"The configuration has an error: {first['name']}: {first['error']}.",
                hint=f"Correct line {first['sourceline']} of {first['sourcefile']}.",
            )
        return ActionResult("The configuration files would be read again; they have no error.")

    def run(given: Arguments, context: ActionContext) -> ActionResult:
        dry_run(given, context)
        _reload(server)
        pending = [row["name"] for row in server.query(_PENDING)]
        rest = f" A restart is needed for: {', '.join(pending)}." if pending else ""
        return ActionResult(f"Read the configuration again.{rest}", {"pending_restart": pending})

    return Action(
        "postgresql.reload",
        "Read the configuration files of PostgreSQL again.",
        Risk.APPROVAL,
        run,
        dry_run,
        no_undo_because="the files are as they were; a corrected file is read the same way",
        effect=Effect.REPEATABLE,
    )


def _restart_action(server: WatchedServer, clock: Clock) -> Action:
    machine = machine_clock(clock)

    def dry_run(_given: Arguments, _: ActionContext) -> ActionResult:
        command = " ".join(server.check_control()).replace("{verb}", "restart")
        return ActionResult(f"`{command}` would be run; every connection would be cut.")

    def run(_given: Arguments, _: ActionContext) -> ActionResult:
        server.close()
        server.control("restart")
        began, last = machine.monotonic(), "it took no connection"
        while machine.monotonic() - began < _ANSWER_SECONDS:
            try:
                row = server.query("SELECT current_setting('max_connections') AS connections")[0]
            except TrimtabError as error:
                last = error.message
                machine.wait(threading.Event(), 0.2)
                continue
            text = f"Restarted PostgreSQL; it takes {row['connections']} connections."
            return ActionResult(text, {"max_connections": row["connections"]})
        raise PostgresUnavailable(f"PostgreSQL does not answer after its restart: {last}")

    return Action(
        "postgresql.restart",
        "Restart the PostgreSQL server, or start it when it is down.",
        Risk.APPROVAL,
        run,
        dry_run,
        no_undo_because="a restart loses no committed data; clients connect again",
        effect=Effect.REPEATABLE,
    )
