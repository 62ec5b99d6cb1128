"""Fingerprints of the secrets that all processes on one database must share."""

from collections.abc import Callable

import sqlalchemy as sa

from trimtab.infra.storage.database import Database
from trimtab.infra.storage.errors import SecretDiffers
from trimtab.kernel.ids import sha256_hex

_table = sa.table("installation_secrets", sa.column("name"), sa.column("fingerprint"))


class SecretRegistry:
    """Lets the first process make a secret, and the others only use the same one.

    Without it each process with a data directory of its own would sign with another key.

    Args:
        database: Holds the chain ``state``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def confirm(self, name: str, obtain: Callable[[bool], bytes | None]) -> bytes:
        """Return the secret of the data directory, if it is the one of the database.

        Args:
            name: The file's name.
            obtain: Reads the secret, or makes one when its argument is true; else returns None.

        Raises:
            SecretDiffers: It is missing although another process has made one, or is another one.
        """
        # Under the write lock, so that of several first processes one makes it.
        with self._database.write() as connection:
            query = sa.select(_table.c.fingerprint).where(_table.c.name == name)
            known = connection.scalar(query)
            secret = obtain(known is None)
            if secret is None:
                raise SecretDiffers(f"The data directory has no {name}, but its database has one.")
            own = sha256_hex(secret)
            if known is None:
                connection.execute(sa.insert(_table).values(name=name, fingerprint=own))
            elif known != own:
                raise SecretDiffers(f"{name} is not the one that made the database's records.")
            return secret
