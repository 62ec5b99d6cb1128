"""Console sign-in with one-time links and signed session cookies."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from trimtab.infra.auth import Keys, Principal
from trimtab.infra.storage import Database, DataDirectory
from trimtab.infra.storage.secret_file import secret_of
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import StorageFull, Unauthenticated, Unavailable

COOKIE = "trimtab_session"
_LINK_HOURS = 1
_OPEN_LINKS = 32
_links = sa.table("sign_in_links", *map(sa.column, ("hash", "name", "credential", "expires_at")))
_ended = sa.table("ended_sessions", sa.column("id"), sa.column("expires_at"))


class SignInRefused(Unauthenticated):
    """A sign-in link or session is unknown, used or expired."""

    code = "console.sign_in_refused"
    default_hint = "`trimtab console` prints a new sign-in link; or sign in with an API key."


class NotListening(Unavailable):
    """The service has no listener that a browser can reach."""

    code = "console.not_listening"
    default_hint = "Start it with `trimtab serve`."


class Sessions:
    """Issues and verifies console sessions.

    A cookie holds the name and credential of a key and its expiry, signed with a secret of the data
    directory. Sessions survive a restart, and end at once when their key is revoked or rotated, or
    when the user signs out.

    Args:
        database: Stores ended sessions, so that a copied cookie stays invalid after a restart, and
            the hashes of open links, so that any process on it redeems them.
        secret: At least 32 random bytes, see `session_secret`.
        hours: The lifetime of a session.
    """

    def __init__(
        self, database: Database, keys: Keys, clock: Clock, secret: bytes, hours: float
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._secret = secret
        self.seconds = int(hours * 3600)
        self._address = ""
        self._unstored: dict[str, dict[str, Any]] = {}

    def listen_at(self, address: str) -> None:
        """Set the URL of the service for browsers, such as ``http://localhost:8000``."""
        self._address = address

    def new_link(self, key_name: str) -> str:
        """Create a one-time token, valid for an hour, to sign in as a key.

        Raises:
            Unauthenticated: There is no active key of that name.
        """
        principal = self._keys.find_principal(key_name)
        token = secrets.token_urlsafe(24)
        now = self._clock.now()
        digest = _hash(token)
        row: dict[str, Any] = {
            "hash": digest,
            "name": principal.name,
            "credential": principal.credential,
            "expires_at": (now + timedelta(hours=_LINK_HOURS)).timestamp(),
        }
        try:
            self._keep_link(row, now.timestamp())
        except StorageFull:
            # Operators sign in to free the disk; this link is for this process alone.
            self._unstored[digest] = row
        return token

    def sign_in_url(self, key_name: str) -> str:
        """Return a one-time sign-in URL for a key, valid for an hour.

        Raises:
            NotListening: No browser can reach the service now.
        """
        if not self._address:
            raise NotListening("No service is listening, so there is nothing to sign in to.")
        return f"{self._address}/console/login#token={self.new_link(key_name)}"

    def redeem(self, token: str) -> Principal:
        """Consume a sign-in token and return its principal.

        Raises:
            SignInRefused: The link is unknown, was used, or has expired.
        """
        row = self._take_link(_hash(token))
        if row is None or self._clock.now().timestamp() >= row["expires_at"]:
            raise SignInRefused("This sign-in link was used before, or has expired.")
        return self._same(row["name"], row["credential"])

    def cookie(self, principal: Principal) -> str:
        """Return the cookie value of a new session."""
        ends = int(self._clock.now().timestamp()) + self.seconds
        claims = {
            "id": secrets.token_urlsafe(12),
            "name": principal.name,
            "credential": principal.credential,
            "ends": ends,
        }
        body = _packed(json.dumps(claims).encode())
        return f"{body}.{self._signature(body)}"

    def principal(self, cookie: str) -> Principal:
        """Return the principal of a session; raise `SignInRefused` or `Unauthenticated`."""
        claims = self._claims(cookie)
        if self._is_ended(claims["id"]):
            raise SignInRefused("The session was ended by signing out.")
        return self._same(claims["name"], claims["credential"])

    def end(self, cookie: str) -> None:
        """End a session at once; an invalid cookie is ignored."""
        try:
            claims = self._claims(cookie)
        except SignInRefused:
            return
        now = self._clock.now().timestamp()
        row = {"id": claims["id"], "expires_at": claims["ends"]}
        with self._database.write() as connection:
            connection.execute(sa.delete(_ended).where(_ended.c.expires_at < now))
            connection.execute(sa.delete(_ended).where(_ended.c.id == row["id"]))
            connection.execute(sa.insert(_ended).values(**row))

    def _keep_link(self, row: dict[str, Any], now: float) -> None:
        newest = sa.select(_links.c.hash).order_by(_links.c.expires_at.desc(), _links.c.hash)
        with self._database.write() as connection:
            connection.execute(sa.delete(_links).where(_links.c.expires_at < now))
            kept = connection.scalars(newest.limit(_OPEN_LINKS - 1)).all()
            connection.execute(sa.delete(_links).where(_links.c.hash.not_in(kept)))
            connection.execute(sa.insert(_links).values(**row))

    def _take_link(self, digest: str) -> Mapping[str, Any] | None:
        """Return the link and delete it; of two callers only one receives it."""
        if (unstored := self._unstored.pop(digest, None)) is not None:
            return unstored
        mine = _links.c.hash == digest
        with self._database.read() as connection:  # Strangers must not cause writes.
            row = connection.execute(sa.select(_links).where(mine)).mappings().first()
        if row is None:
            return None
        with self._database.write() as connection:
            taken = connection.execute(sa.delete(_links).where(mine)).rowcount
        return dict(row) if taken else None

    def _claims(self, cookie: str) -> dict[str, Any]:
        body, _, signature = cookie.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(body).encode()):
            raise SignInRefused("The session is not one of ours.")
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        if "credential" not in claims:
            raise SignInRefused("The session was begun by an older release.")
        if self._clock.now().timestamp() >= claims["ends"]:
            raise SignInRefused("The session has expired.")
        return claims

    def _is_ended(self, session_id: str) -> bool:
        with self._database.read() as connection:
            query = sa.select(_ended.c.id).where(_ended.c.id == session_id)
            return connection.execute(query).first() is not None

    def _same(self, name: str, credential: str) -> Principal:
        """Return the key's principal; raise `SignInRefused` if the key was replaced."""
        found = self._keys.find_principal(name)
        if not hmac.compare_digest(found.credential, credential):
            raise SignInRefused(f"The key {name!r} was replaced since this sign-in.")
        return found

    def _signature(self, body: str) -> str:
        return _packed(hmac.digest(self._secret, body.encode(), hashlib.sha256))


def session_secret(directory: DataDirectory) -> bytes:
    """Return the secret that signs sessions, created at first use.

    A damaged secret is replaced, and all users must sign in again.
    """
    return secret_of(directory, "session.secret", lambda: secrets.token_bytes(32))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
