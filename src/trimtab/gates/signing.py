"""Signs and verifies in-toto statements in DSSE envelopes with ed25519 keys.

Verification works offline. Keys are in one folder outside the project: ``<keyid>.key`` (PKCS#8 PEM,
mode 0600), ``<keyid>.pub`` (PEM) and ``trust.json``, with the owner, date and revocation of each
key. A key's id is the SHA-256 of its 32 public bytes. References: DSSE v1
(github.com/secure-systems-lab/dsse), in-toto Statement v1 (github.com/in-toto/attestation).
"""

import base64
import binascii
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
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

from trimtab.gates.errors import KeyMissing, PolicyWrong, SignatureWrong
from trimtab.gates.strictjson import parse
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import sha256_hex

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PRIVATE_MODE = 0o600
BUILDER, APPROVER = "builder", "approver"
ROLES = (BUILDER, APPROVER)


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key entry of ``trust.json``."""

    keyid: str
    name: str
    public: bytes
    """Raw public key, 32 bytes."""
    added: str
    revoked: str | None = None
    """Time of revocation; None if not revoked."""
    role: str = BUILDER
    """Role of the key: `BUILDER` or `APPROVER`, never both."""


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """A statement with a verified signature."""

    statement: Mapping[str, Any]
    keyid: str
    signer: str

    @property
    def predicate(self) -> Mapping[str, Any]:
        """Return the predicate of the statement."""
        found: Mapping[str, Any] = self.statement["predicate"]
        return found

    def subjects(self) -> dict[str, str]:
        """Return the SHA-256 of each subject, by name."""
        return {entry["name"]: entry["digest"]["sha256"] for entry in self.statement["subject"]}


class KeyRing:
    """Trusted keys of a user: create, trust, revoke, sign and verify.

    Args:
        folder: Folder of the keys; created by `new`.
        clock: Source of the times of adding and revoking.
        pinned: If not empty, only these key ids are trusted, whatever ``trust.json`` says.
    """

    def __init__(self, folder: Path, clock: Clock, *, pinned: Sequence[str] = ()) -> None:
        self.folder = folder
        self._clock = clock
        self._pinned = frozenset(pinned)

    def new(self, name: str, role: str = BUILDER) -> TrustedKey:
        """Create and trust a key pair; never replaces a file.

        Raises:
            PolicyWrong: There is no such role, or that name holds a key of the other role.
        """
        self._check_identity(name, role)
        private = Ed25519PrivateKey.generate()
        public = private.public_key()
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        entry = TrustedKey(sha256_hex(raw), name, raw, self._now(), None, role)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        descriptor = os.open(
            self._private_path(entry.keyid), os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE
        )
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)
        public_pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (self.folder / f"{entry.keyid}.pub").write_bytes(public_pem)
        self._write([*self.entries(), entry])
        return entry

    def trust(self, pem: bytes, name: str, role: str) -> TrustedKey:
        """Trust another person's public key for a role.

        Raises:
            KeyMissing: It is not an ed25519 public key in PEM format.
            PolicyWrong: There is no such role, or that name holds a key of the other role.
        """
        self._check_identity(name, role)
        try:
            public = load_pem_public_key(pem)
        except ValueError as error:
            raise KeyMissing("It is no public key in PEM form.") from error
        if not isinstance(public, Ed25519PublicKey):
            raise KeyMissing("It is no ed25519 key.")
        raw = public.public_bytes_raw()
        entry = TrustedKey(sha256_hex(raw), name, raw, self._now(), None, role)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write([*(e for e in self.entries() if e.keyid != entry.keyid), entry])
        return entry

    def _check_identity(self, name: str, role: str) -> None:
        """Refuse a name that already has a key of the other role.

        Builder and approver must be different people.
        """
        if role not in ROLES:
            raise PolicyWrong(f"There is no role {role!r}.", hint=f"Roles: {', '.join(ROLES)}.")
        taken = [e.role for e in self.entries() if e.name == name and e.revoked is None]
        if any(other != role for other in taken):
            raise PolicyWrong(
                f"{name!r} already holds a {taken[0]} key and cannot also be {role}.",
                hint=(
                    "Builder and approver are separate people: use another name, or revoke the key."
                ),
            )

    def entries(self) -> list[TrustedKey]:
        """Return all entries of ``trust.json``, oldest first.

        Raises:
            SignatureWrong: ``trust.json`` is malformed.
        """
        path = self.folder / "trust.json"
        if not path.is_file():
            return []
        parsed = parse(path.read_bytes())
        try:
            # Handled below like any other malformed content.
            assert not parsed.findings  # noqa: S101
            rows = parsed.value["keys"]  # type: ignore[index]  # a wrong shape is caught below.
            return [_parse_entry(row) for row in rows]
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            raise SignatureWrong("trust.json cannot be read.") from error

    def revoke(self, keyid: str) -> TrustedKey:
        """Revoke a key; its files stay, but its signatures no longer verify."""
        entries = self.entries()
        known = [entry for entry in entries if entry.keyid.startswith(keyid)]
        if len(known) != 1:
            raise KeyMissing(f"{len(known)} keys begin with {keyid[:16]!r}.")
        ended = replace(known[0], revoked=self._now())
        self._write([ended if entry.keyid == ended.keyid else entry for entry in entries])
        return ended

    def rotate(self, name: str, role: str = BUILDER) -> TrustedKey:
        """Create a key and revoke the role's other local keys."""
        old = [
            entry.keyid
            for entry in self.entries()
            if entry.revoked is None
            and entry.role == role
            and self._private_path(entry.keyid).is_file()
        ]
        fresh = self.new(name, role)
        for keyid in old:
            self.revoke(keyid)
        return fresh

    def trusted(self, role: str = "") -> dict[str, TrustedKey]:
        """Return the currently trusted keys by id, optionally of one role."""
        return {
            entry.keyid: entry
            for entry in self.entries()
            if entry.revoked is None
            and entry.keyid == sha256_hex(entry.public)
            and (not self._pinned or entry.keyid in self._pinned)
            and role in ("", entry.role)
        }

    def exposed(self) -> tuple[Path, ...]:
        """Return the private key files that other users can access."""
        modes = {
            path: stat.S_IMODE(path.stat().st_mode) for path in sorted(self.folder.glob("*.key"))
        }
        return tuple(path for path, mode in modes.items() if mode & 0o077)

    def can_sign(self) -> bool:
        """Return whether the private key of a trusted builder is available."""
        return any(self._private_path(keyid).is_file() for keyid in self.trusted(BUILDER))

    def sign(self, statement: Mapping[str, Any], role: str = BUILDER) -> bytes:
        """Sign a statement with the role's newest key; return the envelope.

        Raises:
            KeyMissing: No private key of the role is available.
        """
        available = [
            entry
            for entry in self.trusted(role).values()
            if self._private_path(entry.keyid).is_file()
        ]
        if not available:
            raise KeyMissing(f"There is no private {role} key to sign with.")
        keyid = available[-1].keyid
        private = load_pem_private_key(self._private_path(keyid).read_bytes(), password=None)
        if not isinstance(private, Ed25519PrivateKey):
            raise KeyMissing("The private key is not an ed25519 key.")
        payload = orjson.dumps(statement)
        envelope = {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [
                {"keyid": keyid, "sig": base64.b64encode(private.sign(pae(payload))).decode()}
            ],
        }
        return orjson.dumps(envelope, option=orjson.OPT_INDENT_2)

    def open(self, raw: bytes, role: str = BUILDER) -> VerifiedStatement:
        """Verify an envelope with a role's trusted keys; return its statement.

        Raises:
            SignatureWrong: It is malformed, or has no valid signature of a trusted key.
        """
        payload, signatures = _unpack(raw)
        trusted = self.trusted(role)
        for signature in signatures:
            key = trusted.get(signature[0])
            if key is not None and _verifies(key.public, signature[1], payload):
                return VerifiedStatement(_statement(payload), key.keyid, key.name)
        raise SignatureWrong("No signature on it is by a trusted key and right.")

    def _private_path(self, keyid: str) -> Path:
        return self.folder / f"{keyid}.key"

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")

    def _write(self, entries: Sequence[TrustedKey]) -> None:
        rows = [
            {"keyid": e.keyid, "name": e.name, "public": base64.b64encode(e.public).decode(), "added": e.added, "revoked": e.revoked, "role": e.role}
            for e in entries
        ]  # fmt: skip
        temporary = self.folder / ".trust.json.new"
        temporary.write_bytes(orjson.dumps({"keys": rows}, option=orjson.OPT_INDENT_2))
        temporary.replace(self.folder / "trust.json")


def statement(
    subjects: Mapping[str, str], predicate_type: str, predicate: Mapping[str, Any]
) -> dict[str, Any]:
    """Return an in-toto statement about files.

    Args:
        subjects: Name to SHA-256 in hexadecimal.
        predicate_type: URI of the predicate's type.
        predicate: JSON-ready mapping.
    """
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha}} for name, sha in subjects.items()],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }


def pae(payload: bytes) -> bytes:
    """Return the DSSE pre-authentication encoding of a payload."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _is_sha256(digest: object) -> bool:
    return isinstance(digest, str) and re.fullmatch(r"[0-9a-f]{64}", digest) is not None


def _parse_entry(row: Mapping[str, Any]) -> TrustedKey:
    public = base64.b64decode(row["public"], validate=True)
    role = str(row.get("role", BUILDER))
    if role not in ROLES:
        raise ValueError(f"no role {role!r}")
    return TrustedKey(
        str(row["keyid"]), str(row["name"]), public, str(row["added"]), row.get("revoked"), role
    )


def _unpack(raw: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    parsed = parse(raw)
    envelope = parsed.value
    if (
        parsed.findings
        or not isinstance(envelope, dict)
        or envelope.get("payloadType") != PAYLOAD_TYPE
    ):
        raise SignatureWrong("It is not a DSSE envelope with an in-toto payload.")
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [
            (str(entry["keyid"]), base64.b64decode(entry["sig"], validate=True))
            for entry in envelope["signatures"]
        ]
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise SignatureWrong("The envelope is malformed.") from error
    return payload, signatures


def _verifies(public: bytes, signature: bytes, payload: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, pae(payload))
    except (InvalidSignature, ValueError):
        return False
    return True


def _statement(payload: bytes) -> Mapping[str, Any]:
    parsed = parse(payload)
    value = parsed.value
    if parsed.findings or not isinstance(value, dict) or value.get("_type") != STATEMENT_TYPE:
        raise SignatureWrong("The signed payload is not an in-toto statement.")
    try:
        names = [entry["name"] for entry in value["subject"]]
        digests = [entry["digest"]["sha256"] for entry in value["subject"]]
    except (KeyError, TypeError) as error:
        raise SignatureWrong("The statement's subjects are malformed.") from error
    if not names:
        raise SignatureWrong("The statement names no subject, so it vouches for nothing.")
    if len(set(names)) != len(names) or not all(map(_is_sha256, digests)):
        raise SignatureWrong("The statement names a subject twice, or without a SHA-256.")
    if not isinstance(value.get("predicate"), dict):
        raise SignatureWrong("The statement has no predicate.")
    return value
