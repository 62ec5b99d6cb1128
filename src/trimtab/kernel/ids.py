"""Identifiers: sortable ones for new things, stable ones for content."""

import hashlib
import secrets
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32, lower case.


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def new_id(prefix: str, at: datetime) -> str:
    """Return ``prefix_`` and 20 characters: 50 bits of milliseconds, then 50 random bits.

    Ids made in different milliseconds sort in the order they were made (the first 10 characters are
    the time; 50 bits of milliseconds last until the year 37648).
    """
    milliseconds = int(at.timestamp() * 1000)
    return f"{prefix}_{_base32(milliseconds, 10)}{_base32(secrets.randbits(50), 10)}"


def content_id(prefix: str, *parts: str | bytes) -> str:
    """Return an id that depends on the parts only: the same parts give the same id.

    Each part is hashed with its length, so ``("ab", "c")`` and ``("a", "bc")`` differ.
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return f"{prefix}_{digest.hexdigest()[:32]}"


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of the bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
