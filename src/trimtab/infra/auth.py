"""API keys and roles. A key is shown once; only its hash is kept."""

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from trimtab.infra.audit import Audit
from trimtab.infra.storage import Database
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Conflict, Forbidden, NotFound, Unauthenticated
from trimtab.kernel.ids import new_id


class Role(StrEnum):
    """What a key may do; each role includes the ones before it."""

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


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling."""

    name: str
    role: Role

    def require(self, role: Role) -> None:
        """Raise `Forbidden` unless the caller's role includes the one given."""
        if not self.role.includes(role):
            raise Forbidden(
                f"This needs the role {role}; the key {self.name!r} has {self.role}.",
                hint=f"Use a key with the role {role}: `trimtab keys create NAME --role {role}`.",
            )


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: everything but the key itself."""

    id: str
    name: str
    role: Role
    created_at: str
    revoked_at: str | None


_table = sa.table(
    "api_keys",
    *(sa.column(name) for name in ("id", "name", "role", "key_hash", "created_at", "revoked_at")),
)


class Keys:
    """Creates, checks and revokes API keys; every change is in the audit chain."""

    def __init__(self, database: Database, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit

    def create(self, name: str, role: Role, *, actor: str) -> str:
        """Return a new key. It cannot be read again.

        Raises:
            Conflict: A key of that name exists, revoked or not.
        """
        key = f"tt_{secrets.token_urlsafe(32)}"
        now = self._clock.now()
        row = {
            "id": new_id("key", now),
            "name": name,
            "role": str(role),
            "key_hash": _hash(key),
            "created_at": now.isoformat(),
        }
        with self._database.write() as connection:
            if connection.execute(sa.select(_table.c.id).where(_table.c.name == name)).first():
                raise Conflict(
                    f"There is a key named {name!r} already.", hint="Choose another name."
                )
            connection.execute(sa.insert(_table).values(**row))
        self._audit.append(actor, "auth.key_created", row["id"], {"name": name, "role": str(role)})
        return key

    def authenticate(self, key: str) -> Principal:
        """Return whose key it is, or raise `Unauthenticated`.

        The key is found by its SHA-256: it has 256 random bits, so no slow hash is needed and equal-time comparison
        of digests gains nothing over the index look-up.
        """
        query = sa.select(_table.c.name, _table.c.role).where(
            _table.c.key_hash == _hash(key), _table.c.revoked_at.is_(None)
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise Unauthenticated("The API key is unknown or revoked.")
        return Principal(row.name, Role(row.role))

    def named(self, name: str) -> Principal:
        """Return the principal of the active key of that name, or raise `Unauthenticated`."""
        query = sa.select(_table.c.name, _table.c.role).where(
            _table.c.name == name, _table.c.revoked_at.is_(None)
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise Unauthenticated(f"The key {name!r} is unknown or revoked.")
        return Principal(row.name, Role(row.role))

    def revoke(self, name: str, *, actor: str) -> None:
        """Make the key useless from now on."""
        with self._database.write() as connection:
            changed = connection.execute(
                sa.update(_table)
                .where(_table.c.name == name, _table.c.revoked_at.is_(None))
                .values(revoked_at=self._clock.now().isoformat())
            )
            if changed.rowcount == 0:
                raise NotFound(
                    f"There is no active key named {name!r}.",
                    hint="`trimtab keys list` shows them.",
                )
        self._audit.append(actor, "auth.key_revoked", name)

    def all(self) -> list[ApiKey]:
        """Return every key, the oldest first."""
        columns = [_table.c[name] for name in ("id", "name", "role", "created_at", "revoked_at")]
        with self._database.read() as connection:
            found = connection.execute(sa.select(*columns).order_by(_table.c.id))
            return [ApiKey(r.id, r.name, Role(r.role), r.created_at, r.revoked_at) for r in found]


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
