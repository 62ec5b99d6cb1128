"""A hash of a bag of ids that does not depend on their order: the sum of their SHA-256 values modulo 2^256.

A sum and not an exclusive or, so that an id that occurs twice does not vanish.
"""

import hashlib

_MODULUS = 1 << 256


class IdHash:
    """Collects ids one at a time in constant memory."""

    def __init__(self) -> None:
        self._sum = 0
        self.count = 0

    def add(self, identifier: str) -> None:
        """Add one id; the same id may come more than once and counts each time."""
        digest = hashlib.sha256(identifier.encode()).digest()
        self._sum = (self._sum + int.from_bytes(digest, "big")) % _MODULUS
        self.count += 1

    def hexdigest(self) -> str:
        """Return 64 hexadecimal digits."""
        return f"{self._sum:064x}"
