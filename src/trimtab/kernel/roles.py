"""Roles: what a caller may do, for routes, console pages and actions alike."""

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
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)
