"""Every error trimtab raises on purpose, as one tree.

    TrimtabError                 code, kind, retryable, hint()
    |-- InvalidInput             the caller sent something unusable
    |   `-- TooLarge             ... because of its size
    |-- NotFound                 the named thing does not exist
    |-- Conflict                 the state does not allow it now
    |-- Unauthenticated          no key, or an unknown one
    |-- Forbidden                the key's role does not allow it
    |-- RateLimited              too many calls; retry later
    |-- Unavailable              a component is down; retryable
    |   `-- DeadlineExceeded     ... or did not answer in time
    |-- StorageFull              no space left; nothing was written
    |-- Corrupt                  stored data failed its check
    `-- Misconfigured            settings, rules or runbooks are wrong; found at start

A domain derives its own errors from these in its ``errors.py`` and gives each a stable ``code``
that starts with the domain's name (``knowledge.project_unknown``). ``kind`` decides the HTTP status
and the exit code in one table each (``api/errors.py``, ``cli/errors.py``), so a new error needs no
new row.
"""

from enum import StrEnum
from typing import ClassVar

from trimtab.kernel.redaction import hide_credentials


class ErrorKind(StrEnum):
    """Category of an error, from the point of view of the caller."""

    INVALID = "invalid"
    TOO_LARGE = "too_large"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    STORAGE_FULL = "storage_full"
    CORRUPT = "corrupt"
    MISCONFIGURED = "misconfigured"


class TrimtabError(Exception):
    """Base class of errors with a code, a message and a next step.

    Args:
        message: What happened, in one sentence, without secrets or personal data; credentials of
            addresses in it are hidden.
        hint: The next step. Defaults to the class's ``default_hint``.
    """

    code: ClassVar[str] = "trimtab.error"
    kind: ClassVar[ErrorKind] = ErrorKind.INVALID
    retryable: ClassVar[bool] = False
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = hide_credentials(message)
        super().__init__(self.message)
        self._hint = None if hint is None else hide_credentials(hint)

    def hint(self) -> str:
        """Return the next step for the reader; may be empty."""
        return self.default_hint if self._hint is None else self._hint

    def as_dict(self) -> dict[str, object]:
        """Return ``code``, ``message``, ``hint`` and ``retryable``."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint(),
            "retryable": self.retryable,
        }

    def as_wire(self) -> dict[str, object]:
        """Return `as_dict` with ``kind``, which tells programs how to react."""
        return {**self.as_dict(), "kind": str(self.kind)}


class InvalidInput(TrimtabError):
    """The caller sent something unusable."""

    code = "trimtab.invalid_input"
    kind = ErrorKind.INVALID


class TooLarge(InvalidInput):
    """The input is larger than a stated limit."""

    code = "trimtab.too_large"
    kind = ErrorKind.TOO_LARGE


class NotFound(TrimtabError):
    """The named thing does not exist."""

    code = "trimtab.not_found"
    kind = ErrorKind.NOT_FOUND


class Conflict(TrimtabError):
    """The present state does not allow the operation."""

    code = "trimtab.conflict"
    kind = ErrorKind.CONFLICT


class Unauthenticated(TrimtabError):
    """No API key was given, or it is unknown."""

    code = "auth.unauthenticated"
    kind = ErrorKind.UNAUTHENTICATED
    default_hint = (
        "Send `Authorization: Bearer KEY` or `X-API-Key: KEY`; `trimtab keys create` makes a key."
    )


class Forbidden(TrimtabError):
    """The caller's role does not allow the operation."""

    code = "auth.forbidden"
    kind = ErrorKind.FORBIDDEN


class RateLimited(TrimtabError):
    """The caller exceeded its rate limit."""

    code = "trimtab.rate_limited"
    kind = ErrorKind.RATE_LIMITED
    retryable = True


class Unavailable(TrimtabError):
    """A component that the operation needs is down."""

    code = "trimtab.unavailable"
    kind = ErrorKind.UNAVAILABLE
    retryable = True


class DeadlineExceeded(Unavailable):
    """A component did not answer in time."""

    code = "trimtab.deadline_exceeded"


class StorageFull(TrimtabError):
    """There is no space left; nothing of the operation was written."""

    code = "storage.full"
    kind = ErrorKind.STORAGE_FULL
    retryable = True
    default_hint = "Free some space on the data directory's disk, then repeat the call."


class Corrupt(TrimtabError):
    """Stored data failed its integrity check."""

    code = "storage.corrupt"
    kind = ErrorKind.CORRUPT


class Misconfigured(TrimtabError):
    """A settings file, rule or runbook is wrong."""

    code = "settings.misconfigured"
    kind = ErrorKind.MISCONFIGURED
