"""Roles: what a caller may do, for routes, console pages and actions alike."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """Permissions of a key; from reader to admin each role includes the ones before it."""

    READER = "reader"
    """Ask and look."""
    REVIEWER = "reviewer"
    """Judge answers."""
    OPERATOR = "operator"
    """Ingest, act, approve."""
    ADMIN = "admin"
    """Keys, deletion, settings."""
    ALERTS = "alerts"
    """Send alerts, and nothing else. Operators and administrators may send them too."""

    def includes(self, other: "Role") -> bool:
        """Return whether this role may do what the other may."""
        return other in INCLUDED[self]


_RANKS = (Role.READER, Role.REVIEWER, Role.OPERATOR, Role.ADMIN)


def _included(role: Role) -> frozenset[Role]:
    if role not in _RANKS:
        return frozenset((role,))
    below = frozenset(_RANKS[: _RANKS.index(role) + 1])
    # A reader may not send alerts: on loopback, a caller without a key is a reader.
    return below | {Role.ALERTS} if Role.OPERATOR in below else below


INCLUDED: Mapping[Role, frozenset[Role]] = {role: _included(role) for role in Role}
"""The roles that each role includes, itself among them."""
