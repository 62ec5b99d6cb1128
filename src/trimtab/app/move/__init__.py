"""Moves an installation between SQLite and PostgreSQL: copy, proof, then the switch.

The old side is the truth until the last step; see `trimtab.infra.storage.installation`.
"""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from trimtab.app.move.context import MoveContext, RelocationResult
from trimtab.app.move.progress import ReportProgress
from trimtab.kernel.errors import InvalidInput

__all__ = ["MoveContext", "RelocationResult", "ReportProgress", "move"]

_SQLITE = "sqlite:"
_SCHEMES = ("postgresql://", "postgres://", "postgresql+psycopg://")


def move(context: MoveContext, target: str) -> RelocationResult:
    """Move the installation of the settings to the other engine.

    Args:
        context: Options and dependencies.
        target: ``postgresql://...``, or ``sqlite:`` with or without the data directory.

    Raises:
        InvalidInput: The target is neither.
        DataDirectoryInUse: A service runs on the directory.
        RelocationRefused: The move cannot be made as things are. Nothing was changed.
        ProofFailed: What arrived differs. The source stays in use.
        TrimtabError: Another failure. The source stays in use.
    """
    if not target.startswith((_SQLITE, *_SCHEMES)):
        raise InvalidInput(
            "The target is neither PostgreSQL nor SQLite.",
            hint="Write `postgresql://user:password@host:5432/database`, or `sqlite:`.",
        )
    started = context.clock.monotonic()
    with ExitStack() as closing:
        if target.startswith(_SQLITE):
            from trimtab.app.move.to_sqlite import ToSqlite

            named = target.removeprefix(_SQLITE).removeprefix("//")
            folder = Path(named) if named else context.settings.service.data_dir
            found = ToSqlite(context, folder, closing).run()
        else:
            from trimtab.app.move.to_server import ToServer

            found = ToServer(context, target, closing).run()
    return replace(found, seconds=round(context.clock.monotonic() - started, 3))
