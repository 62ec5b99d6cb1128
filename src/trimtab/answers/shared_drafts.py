"""Second cache layer for drafts: a Valkey server that several processes share.

The key is a digest of the question and of the passages with their text, as in the first layer, so a
draft is found only by a process that has just read the same passages: never for another project,
and never after a document changed. An erasure deletes all drafts and raises a generation; a draft
that was begun before it is not stored any more.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, cast

import orjson

from trimtab.answers.drafts import Draft, Usage
from trimtab.answers.records import Citation
from trimtab.infra.valkey import Valkey
from trimtab.kernel.errors import Unavailable

if TYPE_CHECKING:
    from redis import Redis

_PREFIX = "trimtab:drafts:"
_GENERATION = "trimtab:drafts-generation"
_KEEP_SECONDS = 3600
_MAX_BYTES = 256 * 1024
_PAGE = 1000
_STORE = """
if (redis.call('get', KEYS[1]) or '0') ~= ARGV[1] then return 0 end
redis.call('set', KEYS[2], ARGV[2], 'EX', ARGV[3])
return 1
"""
"""Stores a draft unless an erasure has raised the generation since the look for it."""


class SharedDraftsNotErased(Unavailable):
    """The shared cache cannot be emptied, so an erasure is not complete."""

    code = "answers.shared_cache_unavailable"
    default_hint = "The erasure is tried again; it is complete when the Valkey server is back."


@dataclasses.dataclass(frozen=True, slots=True)
class Looked:
    """Result of a look into the shared cache.

    Attributes:
        draft: None when there is none.
        generation: Of the cache at that moment; `SharedDrafts.put` needs it. None while the server
            is down.
    """

    draft: Draft | None = None
    generation: bytes | None = None


class SharedDrafts:
    """Drafts that other processes can use. While the server is down it finds and keeps nothing.

    Args:
        valkey: Holds the drafts for an hour.
    """

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    def look(self, key: str) -> Looked:
        """Return the draft of a key, and the generation to store another one with."""

        def read(client: Redis) -> list[bytes | None]:
            return cast("list[bytes | None]", client.mget(_GENERATION, _PREFIX + key))

        found = self._valkey.call(read)
        if found is None:
            return Looked()
        generation, value = found
        return Looked(_draft_of(value) if value else None, generation or b"0")

    def put(self, key: str, draft: Draft, looked: Looked) -> None:
        """Store a draft, unless all were deleted since the look."""
        body = orjson.dumps(draft)
        if looked.generation is None or len(body) > _MAX_BYTES:
            return
        given = (_GENERATION, _PREFIX + key, looked.generation, body, _KEEP_SECONDS)
        self._valkey.call(lambda client: cast("int", client.eval(_STORE, 2, *given)))

    def clear(self) -> int:
        """Delete all drafts and return how many there were.

        Raises:
            SharedDraftsNotErased: The server is down; drafts may still be on it.
        """

        def delete(client: Redis) -> int:
            client.incr(_GENERATION)
            names = list(client.scan_iter(f"{_PREFIX}*", count=_PAGE))
            for start in range(0, len(names), _PAGE):
                client.delete(*names[start : start + _PAGE])
            return len(names)

        count = self._valkey.call(delete)
        if count is None:
            raise SharedDraftsNotErased("The shared cache of drafts cannot be emptied now.")
        return count


def _draft_of(value: bytes) -> Draft | None:
    """Return the stored draft; None for what another release or program has written."""
    try:
        found: dict[str, Any] = orjson.loads(value)
        citations = tuple(Citation(**each) for each in found.pop("citations"))
        usage = Usage(**found.pop("usage"))
        return Draft(citations=citations, usage=usage, **found)
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        return None
