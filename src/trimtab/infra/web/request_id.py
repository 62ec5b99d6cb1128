"""The id of a request, for routes that store it."""

import os
import random
import time
from collections.abc import MutableMapping
from typing import Any

REQUEST_ID = "trimtab.request_id"
"""Key in the request's scope of the id that the response's ``X-Request-ID`` states."""


_rng = random.Random()  # noqa: S311 - an id must be unique, not secret.
_RANDOM_BITS = 52
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_rng.seed)  # Else parent and child continue one sequence.


def new_request_id() -> str:
    """Return an id of 24 hexadecimal digits: milliseconds since the epoch, then random bits.

    Ids in the order of time are added at the end of an index. Random ones change a page of it for
    each request: of a batch of predictions, most of what was written to disk were such pages.
    """
    return f"{time.time_ns() // 1_000_000:011x}{_rng.getrandbits(_RANDOM_BITS):013x}"


def request_id_of(scope: MutableMapping[str, Any]) -> str:
    """Return the request's id; a new one where no middleware has set it."""
    if REQUEST_ID not in scope:
        scope[REQUEST_ID] = new_request_id()
    found: str = scope[REQUEST_ID]
    return found
