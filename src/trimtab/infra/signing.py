"""Signs statements and verifies them offline: DSSE envelopes with ed25519.

The private key is a file in the data directory that only this user can read. The envelope format is
https://github.com/secure-systems-lab/dsse, so other tools can check it with the public key alone.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from trimtab.infra.storage import DataDirectory
from trimtab.infra.storage.secret_file import secret_of
from trimtab.kernel.errors import Corrupt
from trimtab.kernel.ids import sha256_hex

KEY_FILE = "signing.key"
_WITHOUT_KEY = (
    "Without it, existing signatures can still be verified with the public key, but nothing can be"
    " signed."
)

Envelope = Mapping[str, object]
"""``payloadType``, ``payload`` (base64) and ``signatures``: JSON-ready."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs statements with one private key."""

    key: Ed25519PrivateKey

    @classmethod
    def of(cls, directory: DataDirectory) -> "Signer":
        """Return the signer of the data directory, creating its key at first use.

        Raises:
            Corrupt: The key file holds no ed25519 key.
        """
        file = directory.file(KEY_FILE)
        pem = secret_of(directory, KEY_FILE, _new_pem, without_it=_WITHOUT_KEY)
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise _bad_key(str(file)) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise _bad_key(str(file))
        return cls(key)

    @property
    def public_pem(self) -> str:
        """Return the public key in PEM format, for verification."""
        public = self.key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, payload_type: str, statement: Mapping[str, object]) -> Envelope:
        """Sign a statement and return its envelope.

        Args:
            payload_type: The type of the statement, such as
                ``application/vnd.trimtab.erasure+json``.
            statement: JSON-ready; it is signed as canonical JSON (sorted keys, no spaces).
        """
        payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
        signature = self.key.sign(_to_be_signed(payload_type, payload))
        return {
            "payloadType": payload_type,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [
                {"keyid": key_id(self.public_pem), "sig": base64.b64encode(signature).decode()}
            ],
        }


def _new_pem() -> bytes:
    new = Ed25519PrivateKey.generate()
    return new.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def key_id(public_pem: str) -> str:
    """Return the id of a public key: 16 hexadecimal digits of its SHA-256."""
    return sha256_hex(_public_key(public_pem).public_bytes_raw())[:16]


def open_envelope(
    envelope: Mapping[str, object], public_pem: str, payload_type: str
) -> dict[str, object]:
    """Verify an envelope's signature and return its statement.

    Raises:
        Corrupt: The envelope is invalid, was changed, or was signed with another key.
    """
    try:
        payload = base64.b64decode(str(envelope["payload"]), validate=True)
        signatures = envelope["signatures"]
        found = [base64.b64decode(entry["sig"]) for entry in signatures]  # type: ignore[attr-defined]
        if envelope["payloadType"] != payload_type or not found:
            raise ValueError("another payload type, or no signature")
        _public_key(public_pem).verify(found[0], _to_be_signed(payload_type, payload))
        statement = json.loads(payload)
    except (KeyError, TypeError, ValueError, InvalidSignature) as error:
        raise Corrupt(
            "The signed statement does not match its signature.",
            hint=(
                "Check the file against the original and the public key of the service that"
                " signed it."
            ),
        ) from error
    if not isinstance(statement, dict):
        raise Corrupt("The signed statement is not a JSON object.")
    return statement


def _public_key(pem: str) -> Ed25519PublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an ed25519 key")
    return key


def _to_be_signed(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding, which binds the type to the payload."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _bad_key(file: str) -> Corrupt:
    return Corrupt(
        f"{file} holds no ed25519 key.",
        hint=f"Restore it from your own backup. {_WITHOUT_KEY}",
    )
