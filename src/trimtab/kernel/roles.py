"""Roles: what a caller may do, for routes, console pages and actions alike."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """Permissions of a key; each role includes the ones before it."""

    READER = "reader"
    """Ask and look."""
    REVIEWER = "reviewer"
    """Judge answers."""
    OPERATOR = "operator"
    """Ingest, act, approve."""
    ADMIN = "admin"
    """Keys, deletion, settings."""

    def includes(self, other: "Role") -> bool:
        """Return whether this role may do what the other may."""
        return other in INCLUDED[self]


_RANKS = tuple(Role)
INCLUDED: Mapping[Role, frozenset[Role]] = {
    role: frozenset(_RANKS[: rank + 1]) for rank, role in enumerate(_RANKS)
}
"""The roles that each role includes, itself among them."""
