"""Maps errors to exit codes and prints them."""

import json
import sys
from collections.abc import Mapping
from enum import IntEnum

from trimtab.kernel.errors import ErrorKind, TrimtabError


class Exit(IntEnum):
    """Exit codes of the commands."""

    OK = 0
    FAILED = 1
    """The operation failed, or a check is false."""
    WRONG_USE = 2
    """The command, a file or a setting is wrong."""
    NEEDS_A_PERSON = 3
    """A person must decide first: an approval, a name in use."""
    NOT_FOUND = 4
    NO_ACCESS = 5
    TRY_LATER = 6
    """The service cannot handle the command now."""


EXIT: Mapping[ErrorKind, Exit] = {
    ErrorKind.INVALID: Exit.WRONG_USE,
    ErrorKind.TOO_LARGE: Exit.WRONG_USE,
    ErrorKind.NOT_FOUND: Exit.NOT_FOUND,
    ErrorKind.CONFLICT: Exit.NEEDS_A_PERSON,
    ErrorKind.UNAUTHENTICATED: Exit.NO_ACCESS,
    ErrorKind.FORBIDDEN: Exit.NO_ACCESS,
    ErrorKind.RATE_LIMITED: Exit.TRY_LATER,
    ErrorKind.UNAVAILABLE: Exit.TRY_LATER,
    ErrorKind.STORAGE_FULL: Exit.FAILED,
    ErrorKind.CORRUPT: Exit.FAILED,
    ErrorKind.MISCONFIGURED: Exit.WRONG_USE,
}


class Refused(TrimtabError):
    """The service answered with an error, which is shown unchanged.

    Args:
        error: The ``error`` object of the answer.
    """

    code = "cli.refused"

    def __init__(self, error: Mapping[str, object]) -> None:
        super().__init__(
            str(error.get("message", "The service refused the request.")),
            hint=str(error.get("hint", "")),
        )
        self.error = dict(error)

    @property
    def service_kind(self) -> ErrorKind:
        """Return the kind that the service stated."""
        try:
            return ErrorKind(str(self.error.get("kind", "")))
        except ValueError:
            return ErrorKind.CORRUPT

    def as_dict(self) -> dict[str, object]:
        """Return the error as the service sent it."""
        return self.error


class ProgramError(TrimtabError):
    """An unexpected exception in the program."""

    code = "cli.program_error"
    kind = ErrorKind.CORRUPT
    default_hint = "Repeat the command with --debug and report what it prints."


def exit_code(error: TrimtabError) -> Exit:
    """Return the exit code of an error."""
    return EXIT[error.service_kind if isinstance(error, Refused) else error.kind]


def report(error: TrimtabError, *, as_json: bool = False, with_code: bool = False) -> None:
    """Print an error: as JSON on standard output, else as one or two lines on standard error."""
    if as_json:
        sys.stdout.write(json.dumps({"error": error.as_dict()}) + "\n")
        return
    code = f"{error.code}: " if with_code else ""
    sys.stderr.write(f"Error: {code}{error.message}\n")
    if hint := error.hint():
        sys.stderr.write(f"Next:  {hint}\n")
