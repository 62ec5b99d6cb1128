"""Dependencies that knowledge shares with the other domains."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trimtab.kernel.clock import Clock
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health

if TYPE_CHECKING:
    from trimtab.infra.storage.postgresql import PostgresServer


@dataclass(frozen=True, slots=True)
class KnowledgeContext:
    """The process's clock, events and health, and the server of its database."""

    clock: Clock
    events: Events
    health: Health
    postgres: "PostgresServer | None" = None
    """Holds the database; None means a SQLite file in the data directory."""
