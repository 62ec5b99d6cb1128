"""Signals, actions and the fault of running and slow database queries."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Fault,
    Param,
    Realism,
    Risk,
    Sample,
    Signal,
    Value,
)

_ENDLESS = {
    "sqlite": (
        "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted)"
        " SELECT count(*) FROM counted WHERE n < 0"
    ),
    "postgresql": "SELECT pg_sleep(86400)",
}


def signals(databases: Sequence[Database], clock: Clock) -> tuple[Signal, ...]:
    """Return the signals of the databases' connections and queries."""

    def each(read: Callable[[Database], float]) -> Callable[[], Iterable[Sample]]:
        return lambda: [Sample(read(each), {"database": each.name}) for each in databases]

    def connections() -> Iterable[Sample]:
        for database in databases:
            pool = database.engine.pool
            if isinstance(pool, sa.QueuePool):
                name = {"database": database.name}
                yield Sample(float(pool.checkedout()), {**name, "state": "in_use"})
                yield Sample(float(pool.checkedin()), {**name, "state": "idle"})

    return (
        Signal(
            "service.database.connections",
            "connections",
            "Open connections of each database, in use and idle.",
            connections,
            ("database", "state"),
            "db_connections",
        ),
        Signal(
            "service.database.longest_query",
            "seconds",
            "How long the oldest running transaction has been open; 0 without one.",
            each(lambda database: database.transactions.longest_seconds() * clock.rate),
            ("database",),
            "db_longest_query_seconds",
        ),
        Signal(
            "service.database.slow_queries",
            "transactions",
            "Transactions that took over half a second, since the start.",
            each(lambda database: float(database.transactions.slow_count)),
            ("database",),
            "db_slow_queries_total",
            counter=True,
        ),
    )


def actions(databases: Sequence[Database], clock: Clock) -> tuple[Action, ...]:
    """Return the action that ends queries that run too long."""

    def run(given: Arguments, _: ActionContext) -> ActionResult:
        older = float(given["older_seconds"]) / clock.rate
        ended = [name for each in databases for name in each.transactions.interrupt(older)]
        text = f"Ended {len(ended)} queries: {', '.join(ended) or 'none was older'}."
        return ActionResult(text, {"ended": ended}, changes=bool(ended))

    def dry_run(given: Arguments, _: ActionContext) -> ActionResult:
        older = float(given["older_seconds"]) / clock.rate
        found = [
            transaction
            for each in databases
            for transaction in each.transactions.open()
            if transaction.seconds > older
        ]
        names = ", ".join(each.caller for each in found) or "none is older"
        return ActionResult(f"{len(found)} queries would be ended: {names}.", changes=bool(found))

    return (
        Action(
            "service.database.interrupt",
            "End the database queries that have run longer than a time.",
            Risk.AUTOMATIC,
            run,
            dry_run,
            (Param("older_seconds", "number", "The time.", 600.0, minimum=1),),
            no_undo_because="a query that is ended changed nothing; its caller repeats it",
            effect=Effect.REPEATABLE,
        ),
    )


def faults(database: Database) -> tuple[Fault, ...]:
    """Return the fault of a query that does not end."""
    running: list[threading.Thread] = []

    def inject(_: Arguments) -> Mapping[str, Value]:
        thread = threading.Thread(target=run_endless_query, args=(database,), daemon=True)
        running.append(thread)
        thread.start()
        return {}

    def restore(_: Mapping[str, Value]) -> None:
        while running:
            thread = running.pop()
            while thread.is_alive():
                for _began, code, connection in list(database.transactions.running.values()):
                    if code is run_endless_query.__code__:
                        connection.interrupt()
                thread.join(0.1)

    return (
        Fault(
            "service.database.endless_query",
            "Run a query that does not end.",
            inject,
            restore,
            realism=Realism.REAL,
        ),
    )


def run_endless_query(database: Database) -> None:
    """Run a query that ends only when it is interrupted."""
    try:
        with database.read() as connection:
            connection.exec_driver_sql(_ENDLESS[connection.dialect.name]).fetchall()
    except TrimtabError:
        return  # It was interrupted, as it should be.
