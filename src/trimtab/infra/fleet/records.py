"""Records of the fleet: processes and the numbers of their common changes."""

import socket
from dataclasses import dataclass

BEAT_SECONDS = 5.0
"""Interval of the heartbeat."""
PARK_SECONDS = 20.0
"""A process without a successful heartbeat for that long answers 503."""
LOST_SECONDS = 30.0
"""A process that is silent for that long on the database's clock is lost; above `PARK_SECONDS`, so
that it has stopped answering by then."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """Identity of a process in the fleet.

    Attributes:
        id: Unique to one run of the process; also the executor of its durable jobs.
        roles: Names separated by commas.
        release: The version of trimtab.
        host: Name of the machine.
    """

    id: str
    roles: str
    release: str
    host: str

    @classmethod
    def of_this_process(cls, process_id: str, roles: str, release: str) -> "ProcessIdentity":
        """Return the identity with this machine's name."""
        return cls(process_id, roles, release, socket.gethostname())


@dataclass(frozen=True, slots=True)
class FleetProcess:
    """A process of the fleet as the database knows it.

    Attributes:
        address: Base URL of its HTTP interface; empty before it serves.
        uptime_seconds: Since its start.
        silent_seconds: Since its last heartbeat.
        applied: The newest common change that it has applied.
        is_live: Whether its last heartbeat is recent enough.
        leader: Whether it runs the tasks that only one process runs.
    """

    id: str
    roles: str
    address: str
    release: str
    host: str
    uptime_seconds: float
    silent_seconds: float
    applied: int
    is_live: bool
    leader: bool


@dataclass(frozen=True, slots=True)
class FleetNumbers:
    """The newest common change, and the newest that orders every process to drop its memory."""

    latest: int
    forget: int
