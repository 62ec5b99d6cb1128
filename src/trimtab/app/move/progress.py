"""Progress reports of a move."""

from typing import Protocol


class ReportProgress(Protocol):
    """Called as a move advances."""

    def __call__(self, step: str, table: str, rows: int, of: int) -> None:
        """Report rows of a table that are done.

        Args:
            step: ``look``, ``copy``, ``check`` or ``search``.
            table: Its name, or that of a project.
            rows: How many are done.
            of: How many there are; 0 when that is not known yet.
        """
