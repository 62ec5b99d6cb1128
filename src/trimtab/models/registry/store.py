"""The only SQL of the registry, in the chain ``models``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.models.errors import VersionUnknown
from trimtab.models.records import AliasMove, Manifest, ModelVersion

_versions = sa.table(
    "model_versions",
    *map(
        sa.column,
        ("name", "version", "digest", "manifest", "signature", "registered_at", "registered_by"),
    ),
)
_aliases = sa.table("model_aliases", *map(sa.column, ("name", "alias", "version")))
_LOGGED = ("seq", "name", "alias", "version", "previous", "at", "actor", "reason", "move_key")
_log = sa.table("model_alias_log", *map(sa.column, _LOGGED))


@dataclass(frozen=True, slots=True)
class MoveReason:
    """Reason, time and principal of a move of aliases.

    Attributes:
        at: Of the move.
        actor: A key's name, or what moved it by itself.
        reason: One sentence for the log.
        key: The same key is the same intended change; empty for none.
    """

    at: datetime
    actor: str
    reason: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class RegistryStore:
    """Versions and aliases on disk."""

    database: Database

    def names(self) -> list[str]:
        """Return the names of all models, sorted."""
        query = sa.select(_versions.c.name).distinct().order_by(_versions.c.name)
        with self.database.read() as connection:
            return list(connection.scalars(query))

    def versions(self, name: str) -> list[ModelVersion]:
        """Return the versions of a model, oldest first."""
        query = sa.select(_versions).where(_versions.c.name == name).order_by(_versions.c.version)
        with self.database.read() as connection:
            return [_version(row) for row in connection.execute(query)]

    def version(self, name: str, version: int) -> ModelVersion | None:
        """Return one version, or None."""
        query = sa.select(_versions).where(_versions.c.name == name, _versions.c.version == version)
        with self.database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _version(row)

    def with_digest(self, name: str, digest: str) -> ModelVersion | None:
        """Return the version with that digest, or None."""
        query = sa.select(_versions).where(_versions.c.name == name, _versions.c.digest == digest)
        with self.database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _version(row)

    def digests(self) -> set[str]:
        """Return the digests of all versions of all models."""
        with self.database.read() as connection:
            return set(connection.scalars(sa.select(_versions.c.digest)))

    def next_version(self, name: str) -> int:
        """Return the number of the next version."""
        query = sa.select(sa.func.max(_versions.c.version)).where(_versions.c.name == name)
        with self.database.read() as connection:
            return int(connection.scalar(query) or 0) + 1

    def add(self, version: ModelVersion) -> None:
        """Insert a version, durable on return."""
        row = {
            "name": version.name,
            "version": version.version,
            "digest": version.digest,
            "manifest": version.manifest.canonical.decode(),
            "signature": orjson.dumps(dict(version.signature)).decode(),
            "registered_at": version.registered_at.isoformat(),
            "registered_by": version.registered_by,
        }
        with self.database.write() as connection:
            connection.execute(sa.insert(_versions).values(**row))

    def aliases(self, name: str) -> dict[str, int]:
        """Return the version of each alias of a model."""
        query = sa.select(_aliases.c.alias, _aliases.c.version).where(_aliases.c.name == name)
        with self.database.read() as connection:
            return {row.alias: row.version for row in connection.execute(query)}

    def move(
        self, name: str, targets: Mapping[str, int | None], why: MoveReason
    ) -> list[AliasMove]:
        """Point aliases elsewhere in one transaction; return the moves that it made.

        A move whose key is in the log already happened: nothing is changed.

        Args:
            name: Of the model.
            targets: The version of each alias; None removes the alias.
            why: For the log.

        Raises:
            VersionUnknown: A target does not exist.
        """
        with self.database.write() as connection:
            if why.key and _moved_before(connection, why.key):
                return []
            mine = sa.select(_aliases.c.alias, _aliases.c.version).where(_aliases.c.name == name)
            current = {row.alias: row.version for row in connection.execute(mine)}
            made = []
            for alias, version in targets.items():
                previous = current.get(alias)
                if previous != version:
                    made.append(_move_one(connection, name, (alias, version, previous), why))
            return made

    def was_moved(self, key: str) -> bool:
        """Return whether the change with that key has happened."""
        with self.database.read() as connection:
            return _moved_before(connection, key)

    def delete(self, name: str) -> list[str]:
        """Delete a model's versions and aliases; return the digests that no other model has."""
        with self.database.write() as connection:
            mine = sa.select(_versions.c.digest).where(_versions.c.name == name)
            digests = list(connection.scalars(mine))
            connection.execute(sa.delete(_aliases).where(_aliases.c.name == name))
            connection.execute(sa.delete(_versions).where(_versions.c.name == name))
            kept = set(connection.scalars(sa.select(_versions.c.digest)))
        return [digest for digest in digests if digest not in kept]

    def registered(self) -> list[tuple[str, int, str, str]]:
        """Return name, number, digest and registrar of every version, oldest first."""
        names = ("name", "version", "digest", "registered_by")
        query = sa.select(*(_versions.c[name] for name in names)).order_by(
            _versions.c.registered_at, _versions.c.version
        )
        with self.database.read() as connection:
            return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]

    def all_moves(self) -> list[AliasMove]:
        """Return every move of every model's aliases, oldest first."""
        with self.database.read() as connection:
            found = connection.execute(sa.select(_log).order_by(_log.c.seq))
            return [_alias_move(row) for row in found]

    def log(self, name: str, limit: int = 1000) -> list[AliasMove]:
        """Return the newest moves of a model's aliases, newest first."""
        query = sa.select(_log).where(_log.c.name == name).order_by(_log.c.seq.desc()).limit(limit)
        with self.database.read() as connection:
            return [_alias_move(row) for row in connection.execute(query)]


def _moved_before(connection: sa.Connection, key: str) -> bool:
    # The aliases of one change carry the key with their name, because the column is unique.
    found = sa.select(_log.c.seq).where(_log.c.move_key.startswith(f"{key}:", autoescape=True))
    return connection.execute(found.limit(1)).first() is not None


def _move_one(
    connection: sa.Connection,
    name: str,
    target: tuple[str, int | None, int | None],
    why: MoveReason,
) -> AliasMove:
    alias, version, previous = target
    mine = (_aliases.c.name == name) & (_aliases.c.alias == alias)
    connection.execute(sa.delete(_aliases).where(mine))
    if version is not None:
        known = sa.select(_versions.c.version).where(
            _versions.c.name == name, _versions.c.version == version
        )
        if connection.execute(known).first() is None:
            raise VersionUnknown(f"Model {name!r} has no version {version}.")
        row = {"name": name, "alias": alias, "version": version}
        connection.execute(sa.insert(_aliases).values(**row))
    entry = {
        "name": name,
        "alias": alias,
        "version": version,
        "previous": previous,
        "at": why.at.isoformat(),
        "actor": why.actor,
        "reason": why.reason,
        "move_key": f"{why.key}:{alias}" if why.key else None,
    }
    seq = int(connection.scalar(sa.select(sa.func.max(_log.c.seq))) or 0) + 1
    connection.execute(sa.insert(_log).values(seq=seq, **entry))
    return AliasMove(seq, name, alias, version, previous, why.at, why.actor, why.reason)


def _version(row: Any) -> ModelVersion:
    return ModelVersion(
        name=row.name,
        version=row.version,
        digest=row.digest,
        manifest=Manifest.from_json(orjson.loads(row.manifest)),
        signature=orjson.loads(row.signature),
        registered_at=datetime.fromisoformat(row.registered_at),
        registered_by=row.registered_by,
    )


def _alias_move(row: Any) -> AliasMove:
    return AliasMove(
        row.seq,
        row.name,
        row.alias,
        row.version,
        row.previous,
        datetime.fromisoformat(row.at),
        row.actor,
        row.reason,
    )
