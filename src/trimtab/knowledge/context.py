"""Dependencies that knowledge shares with the other domains."""

from dataclasses import dataclass

from trimtab.kernel.clock import Clock
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health


@dataclass(frozen=True, slots=True)
class KnowledgeContext:
    """The process's clock, events and health."""

    clock: Clock
    events: Events
    health: Health
