"""The id of a request, for routes that store it."""

import secrets
from collections.abc import MutableMapping
from typing import Any

REQUEST_ID = "trimtab.request_id"
"""Key in the request's scope of the id that the response's ``X-Request-ID`` states."""


def request_id_of(scope: MutableMapping[str, Any]) -> str:
    """Return the request's id; a new one where no middleware has set it."""
    if REQUEST_ID not in scope:
        scope[REQUEST_ID] = secrets.token_hex(8)
    found: str = scope[REQUEST_ID]
    return found
