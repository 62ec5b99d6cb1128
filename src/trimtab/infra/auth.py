"""API keys and roles; only the hash of a key is stored."""

import hashlib
import logging
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import sqlalchemy as sa

from trimtab.infra.audit import Audit
from trimtab.infra.storage import Database, ServerReads
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    TrimtabError,
    Unauthenticated,
)
from trimtab.kernel.ids import new_id
from trimtab.kernel.names import problem_of_name
from trimtab.kernel.roles import INCLUDED, Role

__all__ = ["ApiKey", "Keys", "Principal", "Role", "Scope"]

_log = logging.getLogger(__name__)
_USE_NOTED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller with its role, projects and labels."""

    name: str
    role: Role
    projects: frozenset[str] | None = None
    """The only projects visible to the caller; None means all."""
    labels: tuple[str, ...] = ()
    """Access labels, sorted; a labelled document is visible only if they share a label."""
    credential: str = field(default="", compare=False, repr=False)
    """Changes when the key is rotated; does not reveal the key."""

    def sees(self, project: str) -> bool:
        """Return whether the project is visible to the caller; it need not exist."""
        return self.projects is None or project in self.projects

    def enter(self, project: str) -> None:
        """Raise `Forbidden` unless the caller may access the project, whether it exists or not."""
        if self.projects is not None and project not in self.projects:
            raise Forbidden(
                f"The key {self.name!r} has no access to this project.",
                hint="`GET /api/v1/projects` lists the projects of the key.",
            )

    def require(self, role: Role) -> None:
        """Raise `Forbidden` unless the caller's role includes the one given."""
        if role not in INCLUDED[self.role]:
            raise Forbidden(
                f"This needs the role {role}; the key {self.name!r} has {self.role}.",
                hint=f"Use a key with the role {role}: `trimtab keys create NAME --role {role}`.",
            )


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The stored record of a key, without the key itself."""

    id: str
    name: str
    role: Role
    created_at: str
    """Time of creation or last rotation; ISO 8601, UTC."""
    revoked_at: str | None
    last_used_at: str | None = None
    """Updated at most once an hour; None when it was never used."""
    projects: tuple[str, ...] = ()
    """The only projects visible to it; empty means all."""
    labels: tuple[str, ...] = ()
    """Its access labels; empty means that no labelled document is visible."""


class KeyNameReserved(InvalidInput):
    """The name is reserved and cannot be given to a key."""

    code = "auth.key_name_reserved"
    default_hint = "Choose another name."


@dataclass(frozen=True, slots=True)
class Scope:
    """Projects and labelled documents that a key may access."""

    projects: Sequence[str] = ()
    """The only projects visible to it, names without spaces; empty means all."""
    labels: Sequence[str] = ()
    """Its access labels, without spaces; empty means that no labelled document is visible."""


_PUBLIC = ("id", "name", "role", "created_at", "revoked_at", "last_used_at", "projects", "labels")
_table = sa.table("api_keys", *map(sa.column, (*_PUBLIC, "key_hash")))
_CALLER_QUERY = (
    "SELECT name, role, projects, labels, key_hash{marks} FROM state.api_keys"
    " WHERE key_hash = %s AND revoked_at IS NULL"
)
_CALLER = tuple(_table.c[name] for name in ("name", "role", "projects", "labels", "key_hash"))


class Keys:
    """Creates, authenticates and revokes API keys, and audits every change.

    Args:
        database: Stores the keys.
        clock: Stamps.
        audit: Records every change.
        shared: Whether other processes change keys in the database. Each call then reads its key
            there, so that a key revoked in any process is refused by the next call in every one.
    """

    def __init__(
        self, database: Database, clock: Clock, audit: Audit, *, shared: bool = False
    ) -> None:
        self._database = database
        self._server = database if shared and isinstance(database, ServerReads) else None
        self._shared = shared
        self._clock = clock
        self._audit = audit
        self._noted: dict[str, datetime] = {}
        self._remembered: dict[str, Principal] = {}
        """Cached callers of active keys by the key's hash; cleared when any key changes."""
        self._active: int | None = None
        """Cached number of active keys; None after any key has changed."""
        self._changes = 0
        self._lock = threading.Lock()

    def create(
        self,
        name: str,
        role: Role,
        *,
        actor: str,
        projects: Sequence[str] = (),
        labels: Sequence[str] = (),
    ) -> str:
        """Create a key and return it; it cannot be read again.

        Args:
            name: The name in lists and logs.
            role: The role of the key.
            actor: Who creates it, for the audit chain.
            projects: The only projects visible to it, names without spaces; empty means all.
            labels: Its access labels, without spaces; empty means that no labelled document is
                visible.

        Raises:
            Conflict: A key of that name exists, revoked or not.
            KeyNameReserved: The name is used by trimtab itself, a device or a route.
        """
        if problem := problem_of_name(name):
            raise KeyNameReserved(f"The key name {name!r} {problem}.")
        key = _new_key()
        self._insert(name, role, key, actor, Scope(projects, labels))
        return key

    def admit(self, name: str, role: Role, key: str, *, actor: str) -> bool:
        """Import an existing key under this name and role; return whether anything changed.

        A revoked key stays revoked, because a person revoked it on purpose.
        """
        query = sa.select(_table.c.name, _table.c.role).where(_table.c.key_hash == _hash(key))
        with self._database.read() as connection:
            known = connection.execute(query).first()
        if known is None:
            self._insert(name, role, key, actor)
            return True
        if known.role == str(role):
            return False
        with self._changing() as connection:
            mine = _table.c.key_hash == _hash(key)
            connection.execute(sa.update(_table).where(mine).values(role=str(role)))
        self._audit.append(actor, "auth.key_role_changed", known.name, {"role": str(role)})
        return True

    def rotate(self, name: str, *, actor: str) -> str:
        """Replace a key and return the new one; the old one is invalid."""
        key, now = _new_key(), self._clock.now().isoformat()
        self._change(name, key_hash=_hash(key), created_at=now, last_used_at=None)
        self._audit.append(actor, "auth.key_rotated", name)
        return key

    def _insert(self, name: str, role: Role, key: str, actor: str, scope: Scope = Scope()) -> None:
        now = self._clock.now()
        projects, labels = sorted(set(scope.projects)), sorted(set(scope.labels))
        row = {
            "id": new_id("key", now),
            "name": name,
            "role": str(role),
            "key_hash": _hash(key),
            "created_at": now.isoformat(),
            "projects": " ".join(projects),
            "labels": " ".join(labels),
        }
        with self._changing() as connection:
            if connection.execute(sa.select(_table.c.id).where(_table.c.name == name)).first():
                raise Conflict(
                    f"There is a key named {name!r} already.", hint="Choose another name."
                )
            connection.execute(sa.insert(_table).values(**row))
        facts: dict[str, object] = {"name": name, "role": str(role)}
        if projects:
            facts["projects"] = projects
        if labels:
            facts["labels"] = labels
        self._audit.append(actor, "auth.key_created", row["id"], facts)

    def authenticate(self, key: str) -> Principal:
        """Return the principal of a key, or raise `Unauthenticated`.

        The key is looked up by its SHA-256: it has 256 random bits, so no slow hash is needed and
        constant-time comparison of digests gains nothing over the index look-up. An active key is
        cached until any key changes.
        """
        if (known := self.recall(key)) is not None:
            return known
        digest = _hash(key)
        changes = self._changes
        row = self._read_caller(digest)
        if row is None:
            raise Unauthenticated("The API key is unknown or revoked.")
        self._note_use(row.name)
        principal = _principal(row)
        with self._lock:
            # Otherwise it may have been revoked since it was read.
            if changes == self._changes and not self._shared:
                self._remembered[digest] = principal
        return principal

    def _read_caller(self, digest: str) -> Any | None:
        """Return the row of an active key; None when there is none."""
        if self._server is not None:
            return _fetch_caller(self._server, digest)
        query = sa.select(*_CALLER).where(
            _table.c.key_hash == digest, _table.c.revoked_at.is_(None)
        )
        with self._database.read() as connection:
            return connection.execute(query).first()

    def recall(self, key: str) -> Principal | None:
        """Return the cached principal of a key; None if `authenticate` has to read the database."""
        known = self._remembered.get(_hash(key))
        return known if known is not None and self._is_noted(known.name) else None

    @contextmanager
    def _changing(self) -> Iterator[sa.Connection]:
        """Open a transaction that changes keys, and clear the caches at its end."""
        try:
            with self._database.write() as connection:
                yield connection
        finally:
            with self._lock:
                self._changes += 1
                self._active = None
                self._remembered.clear()

    @property
    def counted(self) -> bool:
        """True if `active` is cached, so reading it needs no database."""
        return self._active is not None

    @property
    def active(self) -> int:
        """Number of keys that are not revoked."""
        if (known := self._active) is not None:
            return known
        changes = self._changes
        query = sa.select(sa.func.count()).where(_table.c.revoked_at.is_(None))
        with self._database.read() as connection:
            count = int(connection.scalar(query) or 0)
        with self._lock:
            if changes == self._changes and not self._shared:
                self._active = count
        return count

    def find_principal(self, name: str) -> Principal:
        """Return the principal of the active key of that name, or raise `Unauthenticated`."""
        query = sa.select(*_CALLER).where(_table.c.name == name, _table.c.revoked_at.is_(None))
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise Unauthenticated(f"The key {name!r} is unknown or revoked.")
        return _principal(row)

    def revoke(self, name: str, *, actor: str) -> None:
        """Revoke a key; it stops working at once."""
        self._change(name, revoked_at=self._clock.now().isoformat())
        self._audit.append(actor, "auth.key_revoked", name)

    def all(self) -> list[ApiKey]:
        """Return every key, oldest first."""
        columns = [_table.c[name] for name in _PUBLIC]
        with self._database.read() as connection:
            found = connection.execute(sa.select(*columns).order_by(_table.c.id)).mappings()
            return [
                ApiKey(
                    **{
                        **row,
                        "role": Role(row["role"]),
                        "projects": tuple(row["projects"].split()),
                        "labels": tuple(row["labels"].split()),
                    }
                )
                for row in found
            ]

    def _change(self, name: str, **values: str | None) -> None:
        active = (_table.c.name == name) & _table.c.revoked_at.is_(None)
        with self._changing() as connection:
            changed = connection.execute(sa.update(_table).where(active).values(**values))
            if changed.rowcount == 0:
                raise NotFound(
                    f"There is no active key named {name!r}.",
                    hint="`trimtab keys list` shows them.",
                )

    def _note_use(self, name: str) -> None:
        if self._is_noted(name):
            return
        now = self._noted[name] = self._clock.now()
        try:
            self._change(name, last_used_at=now.isoformat())
        except TrimtabError as error:
            # A full disk must not block callers; the time of last use is only for the age report.
            _log.warning("the last use of a key was not recorded", extra={"reason": error.message})

    def _is_noted(self, name: str) -> bool:
        last = self._noted.get(name)
        return last is not None and self._clock.now() - last < _USE_NOTED_EVERY


def _fetch_caller(server: ServerReads, digest: str) -> Any | None:
    """Read a key in one round trip, and with it the marks by which other caches are current."""
    marks, began = server.marks, monotonic()
    row = server.fetch_first(_CALLER_QUERY.format(marks=marks.columns), digest)
    if row is not None:
        marks.note(row, began)
    return row


def _principal(row: Any) -> Principal:
    return Principal(
        row.name,
        Role(row.role),
        frozenset(row.projects.split()) or None,
        tuple(row.labels.split()),
        _hash(row.key_hash)[:16],
    )


def _new_key() -> str:
    return f"tt_{secrets.token_urlsafe(32)}"


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
