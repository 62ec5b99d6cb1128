"""Builds the adapter to the PostgreSQL server; without an address it reads nothing."""

from trimtab.infra.background import PeriodicTask
from trimtab.infra.environment import Environment
from trimtab.infra.settings import Settings
from trimtab.kernel.clock import Clock
from trimtab.kernel.health import ComponentHealth, Status
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Action
from trimtab.postgresql.care_actions import care_actions
from trimtab.postgresql.faults import faults
from trimtab.postgresql.parameter_actions import parameter_actions
from trimtab.postgresql.server import WatchedServer
from trimtab.postgresql.session_actions import session_actions
from trimtab.postgresql.signals import signals
from trimtab.postgresql.state import ServerState


def actions(server: WatchedServer, clock: Clock) -> tuple[Action, ...]:
    """Return every action on the server."""
    return (
        *session_actions(server, clock),
        *parameter_actions(server, clock),
        *care_actions(server),
    )


def watched_url(settings: Settings) -> str:
    """Return the address of the watched server; by default that of trimtab's own data."""
    own = settings.service.database_direct_url or settings.service.database_url
    return settings.postgresql.url or own.replace("postgresql+psycopg://", "postgresql://", 1)


def build(env: Environment) -> Module:
    """Return the server of the settings with its signals, actions and faults."""
    server = WatchedServer(env.settings.postgresql, watched_url(env.settings), env.clock)
    state = ServerState(server, env.clock)
    if not server.configured:
        return Module(
            "postgresql",
            server,
            signals=signals(state),
            actions=actions(server, env.clock),
            faults=faults(server),
        )
    seconds = env.settings.postgresql.refresh_seconds
    # A thread of its own: the server may be slow to answer.
    task = PeriodicTask("read PostgreSQL", state.refresh, seconds, env.clock)

    def health() -> ComponentHealth:
        if state.problem:
            return ComponentHealth(Status.DEGRADED, state.problem)
        return ComponentHealth(Status.UP)

    return Module(
        "postgresql",
        server,
        signals=signals(state),
        actions=actions(server, env.clock),
        faults=faults(server),
        health=(("postgresql", health),),
        tasks=(task,),
        start=(task.start,),
        close=(task.close, server.close),
    )
