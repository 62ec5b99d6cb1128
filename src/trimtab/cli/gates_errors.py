"""How the gate commands end when something is wrong: exit 1 if the evidence is bad, 2 if the command was used wrongly."""

from typing import Any

import typer
from typer.core import TyperGroup

from trimtab.gates.errors import (
    ApprovalRefused,
    BaselineRefused,
    EvidenceUnreadable,
    ImportRefused,
    SignatureWrong,
)
from trimtab.kernel.errors import TrimtabError

WRONG_USE = 2
_BLOCKED = (ApprovalRefused, BaselineRefused, EvidenceUnreadable, ImportRefused, SignatureWrong)
"""Errors that speak about the evidence, not about how the command was called."""


class GatesGroup(TyperGroup):
    """A command group that turns trimtab's errors into one line, a hint and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except TrimtabError as error:
            typer.echo(f"Error: {error.code}: {error.message}", err=True)
            if error.hint():
                typer.echo(f"Next:  {error.hint()}", err=True)
            raise typer.Exit(1 if isinstance(error, _BLOCKED) else WRONG_USE) from error
