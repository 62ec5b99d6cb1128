"""Maps errors to exit codes and prints them."""

import errno
import json
import os
import sys
from collections.abc import Mapping, Sequence
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
    INTERRUPTED = 130
    """Ctrl-C."""


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

    @classmethod
    def of(cls, error: Exception) -> "ProgramError":
        """Return the error for an exception."""
        return cls(f"An unexpected error occurred: {error!r}.")


class ArgumentNotText(TrimtabError):
    """A command-line argument is not valid text."""

    code = "cli.argument_not_text"
    kind = ErrorKind.INVALID
    default_hint = "Write it in UTF-8: check the terminal's character set, or rename the file."


class SystemRefused(TrimtabError):
    """The operating system refused a file, a disk or a connection."""

    code = "cli.system_refused"
    kind = ErrorKind.MISCONFIGURED
    default_hint = "Check that it exists, and its permissions."


class DiskFull(TrimtabError):
    """A file cannot be written, because its disk is full."""

    code = "cli.disk_full"
    kind = ErrorKind.STORAGE_FULL
    default_hint = "Free some space; `trimtab knowledge clean-up` removes old files."


def of_unexpected(error: Exception, arguments: Sequence[str]) -> TrimtabError:
    """Return the error for an exception, given the arguments of the command line.

    Bytes of an argument that are not text become lone surrogates, which nothing can send or store.
    """
    if isinstance(error, OSError):
        return of_system(error)
    if isinstance(error, UnicodeEncodeError):
        bytes_of = (os.fsencode(argument) for argument in arguments)
        shown = (given.decode("utf-8", "backslashreplace") for given in bytes_of)
        for argument, text in zip(arguments, shown, strict=True):
            if argument != text:
                return ArgumentNotText(f"The argument {text!r} is not UTF-8.")
    return ProgramError.of(error)


def of_system(error: OSError) -> TrimtabError:
    """Return the error for a refusal of the operating system."""
    what = f"{error.filename or 'The output'}: {error.strerror or type(error).__name__}."
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return DiskFull(what) if full else SystemRefused(what)


def exit_code(error: TrimtabError) -> Exit:
    """Return the exit code of an error."""
    return EXIT[error.service_kind if isinstance(error, Refused) else error.kind]


def report(error: TrimtabError, *, as_json: bool = False, with_code: bool = False) -> None:
    """Print an error: as JSON on standard output, else as one or two lines on standard error."""
    if as_json:
        sys.stdout.write(json.dumps({"error": error.as_dict()}) + "\n")
        return
    code = f"{error.code}: " if with_code else ""
    sys.stderr.write(visible_controls(f"Error: {code}{error.message}\n"))
    if hint := error.hint():
        sys.stderr.write(visible_controls(f"Next:  {hint}\n"))


_SIGN_OF = {code: 0x2400 + code for code in range(0x20) if code not in {0x09, 0x0A}} | {
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
}


def visible_controls(text: str) -> str:
    """Return the text with each control character but tab and line end as a sign, such as ``␛``."""
    return text.translate(_SIGN_OF)
