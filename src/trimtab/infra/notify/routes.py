"""Which channels hear of what: one table."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Why a message is sent."""

    ALERT = "alert"
    RESOLUTION = "resolution"
    APPROVAL = "approval"
    ESCALATION = "escalation"
    PAGE = "page"
    """A person must act now."""
    POSTMORTEM = "postmortem"
    NOTE = "note"
    """Sent by a runbook's action."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one channel."""

    channel: str
    kind: Kind
    text: str
    key: str
    """The same key is sent once, however often it is put into the outbox."""
    subject: str = ""
    """The id of what it is about."""


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the table; an empty tuple means all."""

    channel: str
    kinds: tuple[Kind, ...]
    severities: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()


_HIGH = ("P0", "P1")
_NEWS = (Kind.ALERT, Kind.RESOLUTION)

ROUTES = (
    Route("#ml-alerts", _NEWS, ("P0", "P1", "P2"), systems=("AOPS",)),
    Route("#data-alerts", _NEWS, topics=("data",)),
    Route(
        "#incidents",
        (*_NEWS, Kind.APPROVAL, Kind.ESCALATION),
        systems=("KB", "HYB", "ENT", "MISO"),
    ),
    Route("#incidents", (Kind.APPROVAL, Kind.ESCALATION), systems=("AOPS",)),
    Route("#on-call", (Kind.PAGE,)),
    Route("email", (Kind.ESCALATION, Kind.RESOLUTION), _HIGH),
    Route("github", (Kind.POSTMORTEM,)),
)
"""AOPS and KB name these channels; systems whose documents name none use ``#incidents``."""


def channels_for(kind: Kind, severity: str, system: str, topic: str = "") -> tuple[str, ...]:
    """Return the channels that hear of it, each once, in the order of the table.

    Args:
        kind: Why.
        severity: ``P0`` to ``P3``.
        system: ``AOPS``, ``KB``, ``HYB``, ``ENT`` or ``MISO``.
        topic: ``data`` for data quality; anything else has no route of its own.
    """
    found = dict.fromkeys(
        route.channel
        for route in ROUTES
        if kind in route.kinds
        and (not route.severities or severity in route.severities)
        and (not route.systems or system in route.systems)
        and (not route.topics or topic in route.topics)
    )
    return tuple(found)
