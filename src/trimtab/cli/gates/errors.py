"""Exit codes of the gate commands: 1 for bad evidence, 2 for wrong use."""

import sys
from typing import Any

import typer
from typer.exceptions import TyperException

from trimtab.cli.runtime.errors import DiskFull, Exit, of_system, report
from trimtab.cli.runtime.lazy_group import LazyGroup
from trimtab.gates.errors import (
    ApprovalRefused,
    BaselineRefused,
    EvidenceUnreadable,
    ImportRefused,
    SignatureWrong,
)
from trimtab.kernel.errors import ErrorKind, TrimtabError

_BAD_EVIDENCE = (
    ApprovalRefused,
    BaselineRefused,
    EvidenceUnreadable,
    ImportRefused,
    SignatureWrong,
)


class NotJudged(TrimtabError):
    """A gate failed on the evidence, so the evidence does not pass."""

    code = "gates.not_judged"
    kind = ErrorKind.CORRUPT
    default_hint = (
        "The evidence could not be judged, so it does not pass. Correct or restore the file."
    )


class ProjectDiskFull(DiskFull):
    """A file of the project cannot be written; a former one is still whole."""

    default_hint = (
        "Free some space on it, then repeat the command; without a verdict nothing passes."
    )


class GatesGroup(LazyGroup):
    """Ends a gate command that fails with the exit code of the gates."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except TrimtabError as error:
            report(error, as_json="--json" in sys.argv, with_code=True)
            blocked = isinstance(error, _BAD_EVIDENCE)
            raise typer.Exit(Exit.FAILED if blocked else Exit.WRONG_USE) from error
        except (TyperException, typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            reason = str(error).strip()[:300] or "no details"
            full = isinstance(error, OSError) and isinstance(of_system(error), DiskFull)
            failed = (
                ProjectDiskFull("The disk of the project is full; the file was not written.")
                if full
                else NotJudged(f"{type(error).__name__}: {reason}")
            )
            report(failed, as_json="--json" in sys.argv, with_code=True)
            raise typer.Exit(Exit.FAILED) from error
