"""A Chroma server, over its HTTP API (version 2): a collection for each project.

Chroma's own client waits forever for a silent server, reports its use, and brings some seventy
packages. The eight calls that are needed here are plain HTTP.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.knowledge.engine_port import TIMEOUT_SECONDS, Point, SearchFilter
from trimtab.knowledge.errors import EngineUnavailable

_COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"
_PAGE = 5000
_GRAPH = {"space": "ip", "ef_construction": 128, "ef_search": 200, "max_neighbors": 16}


class ChromaEngine:
    """Searches in Chroma 1.5 or newer, whose metadata may hold lists.

    Args:
        url: ``http://host:8000``; with ``user:password@`` it authenticates by HTTP's basic scheme.
        timeout_seconds: How long one search may take.
    """

    name = "chroma"

    def __init__(self, url: str, timeout_seconds: float) -> None:
        import httpx

        self._timeout = timeout_seconds
        self._client = httpx.Client(base_url=url, timeout=timeout_seconds)
        self._ids: dict[str, str] = {}

    def ping(self) -> None:
        """Ask for its heartbeat."""
        if "nanosecond heartbeat" not in self._call("GET", "/api/v2/heartbeat"):
            raise EngineUnavailable("Chroma answered something else than a heartbeat.")

    def put(self, space: str, points: Sequence[Point]) -> None:
        """Write the points."""
        if not points:
            return
        body = {
            "ids": [str(point.key) for point in points],
            "embeddings": [_packed(point.vector) for point in points],
            "metadatas": [_metadata(point) for point in points],
        }
        self._call(
            "POST", f"{self._create_collection(space)}/upsert", body, timeout=TIMEOUT_SECONDS
        )

    def remove(self, space: str, keys: Sequence[int]) -> None:
        """Delete the records."""
        path = self._path(space)
        if path and keys:
            body = {"ids": [str(key) for key in keys]}
            self._call("POST", f"{path}/delete", body, timeout=TIMEOUT_SECONDS)

    def stamps(self, space: str) -> dict[int, str]:
        """Read every record's metadata, a page at a time."""
        path = self._path(space)
        found: dict[int, str] = {}
        while path:
            body = {"include": ["metadatas"], "limit": _PAGE, "offset": len(found)}
            page = self._call("POST", f"{path}/get", body, timeout=TIMEOUT_SECONDS)
            with _Readable():
                some = {
                    int(key): str(metadata["stamp"])
                    for key, metadata in zip(page["ids"], page["metadatas"], strict=True)
                }
            found |= some
            if len(some) < _PAGE:
                break
        return found

    def vectors(self, space: str, keys: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """Read the embeddings of those keys."""
        path = self._path(space)
        if not path:
            return {}
        body = {"ids": [str(key) for key in keys], "include": ["embeddings"]}
        page = self._call("POST", f"{path}/get", body, timeout=TIMEOUT_SECONDS)
        with _Readable():
            return {
                int(key): np.array(row, np.float32)
                for key, row in zip(page["ids"], page["embeddings"], strict=True)
            }
        raise AssertionError

    def nearest(
        self, space: str, query: NDArray[np.float32], limit: int, seen: SearchFilter
    ) -> list[int]:
        """Order by inner product, which for unit vectors is the cosine."""
        path = self._path(space)
        if not path:
            raise EngineUnavailable("Chroma has lost the project's collection.")
        where = _where(seen)
        body = {
            "query_embeddings": [query.tolist()],
            "n_results": limit,
            "include": [],
            **({"where": where} if where else {}),
        }
        found = self._call("POST", f"{path}/query", body)
        with _Readable():
            return [int(key) for key in found["ids"][0]]
        raise AssertionError

    def drop(self, space: str) -> None:
        """Delete the collection."""
        self._ids.pop(space, None)
        self._call("DELETE", f"{_COLLECTIONS}/{space}", timeout=TIMEOUT_SECONDS, missing_ok=True)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _create_collection(self, space: str) -> str:
        """Return the path of the collection, made now if it is missing."""
        known = self._ids.get(space)
        if known is None:
            body = {"name": space, "get_or_create": True, "configuration": {"hnsw": _GRAPH}}
            found = self._call("POST", _COLLECTIONS, body, timeout=TIMEOUT_SECONDS)
            with _Readable():
                self._ids[space] = known = str(found["id"])
        return f"{_COLLECTIONS}/{known}"

    def _path(self, space: str) -> str:
        """Return the path of the collection; empty when there is none."""
        if space not in self._ids:
            found = self._call("GET", f"{_COLLECTIONS}/{space}", missing_ok=True)
            if not found:
                return ""
            with _Readable():
                self._ids[space] = str(found["id"])
        return f"{_COLLECTIONS}/{self._ids[space]}"

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        timeout: int = 1,
        missing_ok: bool = False,
    ) -> dict[str, Any]:
        """Return the answer's JSON object; an empty one when the thing may be missing and is."""
        import httpx

        try:
            answer = self._client.request(method, path, json=body, timeout=self._timeout * timeout)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EngineUnavailable(f"Chroma failed: {type(error).__name__}.") from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            # Collections are known by ids that end with them: it may have been emptied.
            self._ids.clear()
            if missing_ok:
                return {}
        if not answer.is_success:
            raise EngineUnavailable(f"Chroma answered {answer.status_code}.")
        with _Readable():
            found = answer.json()
            if isinstance(found, dict):
                return found
        raise EngineUnavailable("Chroma's answer is not a JSON object.")


class _Readable:
    """Turns what goes wrong in reading an answer into `EngineUnavailable`."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, ValueError | TypeError | LookupError):
            raise EngineUnavailable("Chroma's answer cannot be read.") from error


def _packed(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def _metadata(point: Point) -> dict[str, object]:
    """Return the record's metadata; Chroma merges it, so absent values are set to None."""
    return {
        "stamp": point.stamp,
        "open": not point.labels,
        "tags": list(point.tags) or None,
        "labels": list(point.labels) or None,
    }


def _where(seen: SearchFilter) -> dict[str, object]:
    conditions: list[dict[str, object]] = [{"tags": {"$contains": tag}} for tag in seen.tags]
    if seen.labels is not None:
        shared = [{"labels": {"$contains": label}} for label in seen.labels]
        conditions.append({"$or": [{"open": True}, *shared]} if shared else {"open": True})
    if len(conditions) > 1:
        return {"$and": conditions}
    return conditions[0] if conditions else {}
