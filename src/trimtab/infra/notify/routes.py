"""Routing table from kinds of messages to channels."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kind of a message, which selects its channels."""

    ALERT = "alert"
    RESOLUTION = "resolution"
    APPROVAL = "approval"
    ESCALATION = "escalation"
    PAGE = "page"
    """A person must act now."""
    POSTMORTEM = "postmortem"
    NOTE = "note"
    """Sent by an action of a runbook."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message for one channel."""

    channel: str
    kind: Kind
    text: str
    key: str
    """Idempotency key: a message with a known key is not sent again."""
    subject: str = ""
    """Id of the subject, such as an incident."""


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the routing table; an empty tuple matches all."""

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
"""Channels that AOPS and KB specify; systems that specify none use ``#incidents``."""

_SYSTEMS = frozenset(system for route in ROUTES for system in route.systems)
_OTHER_SYSTEM = "ENT"
"""A system from outside has the channels of those that specify none."""


def channels_for(kind: Kind, severity: str, system: str, topic: str = "") -> tuple[str, ...]:
    """Return the distinct channels of a message, in the order of the table.

    Args:
        kind: The kind of the message.
        severity: ``P0`` to ``P3``.
        system: ``AOPS``, ``KB``, ``HYB``, ``ENT``, ``MISO``, or any other.
        topic: ``data`` for data quality; other topics have no separate route.
    """
    known = system if system in _SYSTEMS else _OTHER_SYSTEM
    found = dict.fromkeys(
        route.channel
        for route in ROUTES
        if kind in route.kinds
        and (not route.severities or severity in route.severities)
        and (not route.systems or known in route.systems)
        and (not route.topics or topic in route.topics)
    )
    return tuple(found)
