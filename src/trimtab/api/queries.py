"""Route of the running and slow database queries."""

from dataclasses import dataclass

from fastapi import APIRouter

from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR
from trimtab.api.services import DatabasesDep
from trimtab.infra.storage.transactions import RunningTransaction, SlowCaller
from trimtab.infra.storage.upkeep_results import UpkeepReport

router = APIRouter(prefix="/v1/queries", tags=["service"], route_class=ApiRoute)
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class DatabaseConnections:
    """Open connections of a database."""

    database: str
    connections: str
    """As its connection pool states them."""


@dataclass(frozen=True, slots=True)
class QueryReport:
    """Running transactions, the slowest callers and the connections."""

    running: tuple[RunningTransaction, ...]
    """The longest first."""
    slow: tuple[SlowCaller, ...]
    """The ten functions whose slow transactions took longest on average, over half a second."""
    connections: tuple[DatabaseConnections, ...]
    upkeep: tuple[UpkeepReport, ...]
    """The last regular vacuum, index maintenance and query review of each database."""


@router.get("", dependencies=[OPERATOR])
def queries(databases: DatabasesDep) -> QueryReport:
    """Report the running and the slow database queries."""
    running = [each for database in databases.all for each in database.transactions.open()]
    slow = [each for database in databases.all for each in database.transactions.slowest(_SHOWN)]
    pools = [
        DatabaseConnections(database.name, database.engine.pool.status())
        for database in databases.all
    ]
    return QueryReport(
        tuple(sorted(running, key=lambda each: -each.seconds)),
        tuple(sorted(slow, key=lambda each: -each.mean_seconds)[:_SHOWN]),
        tuple(pools),
        databases.upkeep.all(),
    )
