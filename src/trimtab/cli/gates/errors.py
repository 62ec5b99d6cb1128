"""How the gate commands end when something is wrong: exit 1 if the evidence is bad, 2 if the command was used wrongly."""

from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from trimtab.kernel.errors import TrimtabError

WRONG_USE = 2


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
            raise typer.Exit(1 if _is_bad_evidence(error) else WRONG_USE) from error
        except (TyperException, typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            reason = str(error).strip()[:300] or "no details"
            typer.echo(f"Error: gates.not_judged: {type(error).__name__}: {reason}", err=True)
            typer.echo(
                "Next:  The evidence could not be judged, so it does not pass. Correct or restore the file.",
                err=True,
            )
            raise typer.Exit(1) from error


def _is_bad_evidence(error: TrimtabError) -> bool:
    """Return whether the error speaks about the evidence, not about how the command was called."""
    # Loaded only now: the gates import far more than `trimtab --help` may wait for.
    from trimtab.gates.errors import (
        ApprovalRefused,
        BaselineRefused,
        EvidenceUnreadable,
        ImportRefused,
        SignatureWrong,
    )

    blocked = (ApprovalRefused, BaselineRefused, EvidenceUnreadable, ImportRefused, SignatureWrong)
    return isinstance(error, blocked)
