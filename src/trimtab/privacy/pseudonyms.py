"""Pseudonyms for people: the same person has the same one, until the person is forgotten.

The audit chain may never be changed, so it must never name a person. It names a pseudonym, made
with a secret of that person's own. Shredding the secret makes the pseudonym mean nothing: no one,
with the whole data directory in hand, can compute it from the user id again.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from trimtab.infra.storage import Database, DataDirectory
from trimtab.infra.storage.secret_file import secret_of
from trimtab.kernel.clock import Clock

SECRET_FILE = "subjects.key"  # noqa: S105 - a file's name.
_WITHOUT_SECRET = "Without it no pseudonym in the audit chain can be found again."  # noqa: S105

_table = sa.table("subject_keys", *map(sa.column, ("tag", "secret", "created_at")))


@dataclass(frozen=True, slots=True)
class Subjects:
    """Makes pseudonyms and forgets people.

    Args:
        database: Holds one secret for each person, found by a keyed hash of the user id.
        clock: Stamps.
        secret: Keys that hash; at least 32 random bytes, kept outside the database.
    """

    database: Database
    clock: Clock
    secret: bytes

    @classmethod
    def of(cls, database: Database, clock: Clock, directory: DataDirectory) -> "Subjects":
        """Return those of the data directory; the file with the secret is made at first use."""
        secret = secret_of(
            directory, SECRET_FILE, lambda: secrets.token_bytes(32), without_it=_WITHOUT_SECRET
        )
        return cls(database, clock, secret)

    def pseudonym(self, user_id: str) -> str:
        """Return the user's pseudonym: ``subject_`` and 32 hexadecimal digits, until `shred`."""
        tag = self._tag(user_id)
        with self.database.read() as connection:
            own = connection.scalar(sa.select(_table.c.secret).where(_table.c.tag == tag))
        if own is None:
            own = self._new(tag)
        digest = hmac.new(own, user_id.encode(), hashlib.sha256).hexdigest()
        return f"subject_{digest[:32]}"

    def shred(self, user_id: str) -> bool:
        """Destroy the person's secret; return whether there was one."""
        with self.database.write() as connection:
            gone = connection.execute(sa.delete(_table).where(_table.c.tag == self._tag(user_id)))
        return gone.rowcount > 0

    def _new(self, tag: str) -> bytes:
        row = {
            "tag": tag,
            "secret": secrets.token_bytes(32),
            "created_at": self.clock.now().isoformat(),
        }
        with self.database.write() as connection:
            other = connection.scalar(sa.select(_table.c.secret).where(_table.c.tag == tag))
            if isinstance(other, bytes):  # Made by another thread between our look and our lock.
                return other
            connection.execute(sa.insert(_table).values(**row))
        return bytes(row["secret"])  # type: ignore[arg-type]

    def _tag(self, user_id: str) -> str:
        return hmac.new(self.secret, user_id.encode(), hashlib.sha256).hexdigest()
