"""Identifiers: sortable ones for new things, stable ones for content."""

import hashlib
import secrets
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32, lower case.


def new_id(prefix: str, at: datetime) -> str:
    """Return ``prefix_`` and 20 characters: 50 bits of milliseconds, then 50 random bits.

    Ids made in different milliseconds sort in the order they were made (the first 10 characters are
    the time; 50 bits of milliseconds last until the year 37648).
    """
    number = int(at.timestamp() * 1000) << 50 | secrets.randbits(50)
    digits = (_ALPHABET[number >> shift & 31] for shift in range(95, -1, -5))
    return f"{prefix}_{''.join(digits)}"


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
