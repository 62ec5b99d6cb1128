"""Limits of the size of request bodies; without a key the limit is small."""

from dataclasses import dataclass

from trimtab.kernel.errors import TooLarge

_KB = 1024
_MB = 1024 * 1024
_FORM_OVERHEAD = 64 * _KB
"""Room for the boundaries and part headers around an uploaded file of the largest size."""
_SMALL_KB = 64
"""Maximum body without a key and of console forms; a question has 1,000 characters."""

UPLOADS = ("/api/v1/ingest", "/v1/models")
"""Paths whose bodies are streamed to disk and may have the upload size."""


class BodyTooLarge(TooLarge):
    """The request's body is larger than the limit."""

    code = "api.body_too_large"


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Maximum size of a body, and what its sender can do about it."""

    bytes: int
    size: str
    hint: str

    def error(self) -> BodyTooLarge:
        """Return the error of a larger body."""
        return BodyTooLarge(f"The body is larger than {self.size}.", hint=self.hint)


STRANGER = BodyLimit(
    _SMALL_KB * _KB, f"{_SMALL_KB} kB", "Send an API key with it, or send less at once."
)
"""Limit of a caller without a key."""
CONSOLE = BodyLimit(_SMALL_KB * _KB, f"{_SMALL_KB} kB", "Send less at once.")
"""Limit of the console's forms."""


def body_limit(megabytes: int) -> BodyLimit:
    """Return the limit of a caller with a key."""
    hint = "Send less at once, or raise `service.max_body_mb`; documents go to /api/v1/ingest."
    return BodyLimit(megabytes * _MB, f"{megabytes} MB", hint)


def upload_limit(megabytes: int) -> BodyLimit:
    """Return the limit of a caller with a key on `UPLOADS`."""
    hint = "Split the document, or raise `api.max_upload_mb`."
    return BodyLimit(megabytes * _MB + _FORM_OVERHEAD, f"{megabytes} MB", hint)
