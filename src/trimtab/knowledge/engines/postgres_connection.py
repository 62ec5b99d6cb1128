"""A connection with a deadline; in its own module, because importing psycopg is slow."""

from typing import Any

import psycopg


class BoundedConnection(psycopg.Connection[Any]):
    """Gives up on a server that is silent: a line that was cut need not close the connection."""

    limit = 5.0
    """How long one answer may take, in seconds."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer, at most ``limit``."""
        return super().wait(gen, interval, timeout or self.limit)
