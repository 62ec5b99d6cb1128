"""A connection of psycopg with a deadline for every answer."""

from typing import Any

import psycopg

ANSWER_SECONDS = 60.0


class BoundedConnection(psycopg.Connection[Any]):
    """Gives up on a server that is silent: a line that was cut need not close the connection."""

    limit = ANSWER_SECONDS
    """How long one answer may take, in seconds."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer, at most ``limit``."""
        return super().wait(gen, interval, timeout or self.limit)

    def interrupt(self) -> None:
        """End the running statement; it raises in its own thread."""
        self.cancel_safe(timeout=5)
