"""Order-independent hash of ids: the sum of their SHA-256 values modulo 2^256.

With an exclusive or instead of a sum, an id that occurs twice would cancel itself.
"""

import hashlib

_MODULUS = 1 << 256


class IdHash:
    """Hashes ids one at a time in constant memory."""

    def __init__(self) -> None:
        self._sum = 0
        self.count = 0

    def add(self, identifier: str) -> None:
        """Add one id; a repeated id counts each time."""
        digest = hashlib.sha256(identifier.encode()).digest()
        self._sum = (self._sum + int.from_bytes(digest, "big")) % _MODULUS
        self.count += 1

    def hexdigest(self) -> str:
        """Return the hash as 64 hexadecimal digits."""
        return f"{self._sum:064x}"
