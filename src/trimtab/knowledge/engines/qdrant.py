"""A Qdrant server, over its own client: a collection for each project."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from trimtab.knowledge.engine_port import TIMEOUT_SECONDS, Point, SearchFilter
from trimtab.knowledge.errors import EngineClientMissing, EngineUnavailable

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

T = TypeVar("T")
_PAGE = 5000
_EXPANSION_SEARCH = 200
_IN_PROCESS = ":memory:"


class QdrantEngine:
    """Searches in Qdrant.

    Args:
        url: ``http://host:6333``; ``https://:KEY@host:6333`` sends an API key. ``:memory:`` is the
            client's own imitation of the server inside this process, for trials.
        timeout_seconds: How long one search may take.

    Raises:
        EngineClientMissing: The extra ``qdrant`` is not installed.
    """

    name = "qdrant"

    def __init__(self, url: str, timeout_seconds: float) -> None:
        try:
            import qdrant_client  # noqa: F401 - only who uses this engine installs it.
        except ImportError as error:
            raise EngineClientMissing.of("qdrant") from error
        self._reader = _client(url, timeout_seconds)
        local = url == _IN_PROCESS
        self._writer = self._reader if local else _client(url, timeout_seconds * TIMEOUT_SECONDS)

    def ping(self) -> None:
        """Ask for the names of its collections."""
        _request(self._reader.get_collections)

    def put(self, space: str, points: Sequence[Point]) -> None:
        """Write the points."""
        from qdrant_client import models

        if not points:
            return
        rows = [
            models.PointStruct(
                id=point.key,
                vector=point.vector.tolist(),
                payload={
                    "stamp": point.stamp,
                    "tags": list(point.tags),
                    "labels": list(point.labels),
                },
            )
            for point in points
        ]

        def write() -> None:
            if not self._writer.collection_exists(space):
                self._make(space, len(points[0].vector))
            self._writer.upsert(space, rows, wait=True)

        _request(write)

    def remove(self, space: str, keys: Sequence[int]) -> None:
        """Delete the points."""

        def delete() -> None:
            if keys and self._writer.collection_exists(space):
                self._writer.delete(space, list(keys), wait=True)

        _request(delete)

    def stamps(self, space: str) -> dict[int, str]:
        """Read every point's stamp, a page at a time."""

        def read() -> dict[int, str]:
            found: dict[int, str] = {}
            after: Any = None
            more = self._writer.collection_exists(space)
            while more:
                page, after = self._writer.scroll(
                    space, limit=_PAGE, offset=after, with_payload=["stamp"]
                )
                found |= {int(item.id): str((item.payload or {})["stamp"]) for item in page}
                more = after is not None
            return found

        return _request(read)

    def vectors(self, space: str, keys: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """Read the vectors of those keys."""

        def read() -> dict[int, NDArray[np.float32]]:
            page = self._writer.retrieve(space, list(keys), with_payload=False, with_vectors=True)
            return {int(item.id): np.array(item.vector, np.float32) for item in page}

        return _request(read)

    def nearest(
        self, space: str, query: NDArray[np.float32], limit: int, seen: SearchFilter
    ) -> list[int]:
        """Order by inner product, which for unit vectors is the cosine."""
        from qdrant_client import models

        def ask() -> list[int]:
            found = self._reader.query_points(
                space,
                query.tolist(),
                query_filter=_filter(seen),
                limit=limit,
                with_payload=False,
                search_params=models.SearchParams(hnsw_ef=max(limit, _EXPANSION_SEARCH)),
            )
            return [int(item.id) for item in found.points]

        return _request(ask)

    def drop(self, space: str) -> None:
        """Delete the collection."""
        _request(lambda: self._writer.delete_collection(space))

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()
        self._writer.close()

    def _make(self, space: str, dimension: int) -> None:
        from qdrant_client import models

        # The inner product, because Qdrant changes vectors that are compared by cosine.
        self._writer.create_collection(
            space,
            vectors_config=models.VectorParams(
                size=dimension, distance=models.Distance.DOT, datatype=models.Datatype.FLOAT16
            ),
        )
        for field in ("tags", "labels"):
            self._writer.create_payload_index(
                space, field, field_schema=models.PayloadSchemaType.KEYWORD
            )


def _client(url: str, timeout_seconds: float) -> "QdrantClient":
    from qdrant_client import QdrantClient

    return QdrantClient(
        location=url, timeout=max(1, math.ceil(timeout_seconds)), check_compatibility=False
    )


def _request(work: Callable[[], T]) -> T:
    """Return what the client got, or raise `EngineUnavailable` for whatever it raises."""
    from qdrant_client.http.exceptions import ApiException

    try:
        return work()
    except ApiException as error:
        raise EngineUnavailable(f"Qdrant failed: {type(error).__name__}.") from error
    except (ValueError, TypeError, LookupError, OSError) as error:
        raise EngineUnavailable(
            f"Qdrant's answer cannot be read: {type(error).__name__}."
        ) from error


def _filter(seen: SearchFilter) -> Any:
    from qdrant_client import models

    must: list[Any] = [
        models.FieldCondition(key="tags", match=models.MatchValue(value=tag)) for tag in seen.tags
    ]
    if seen.labels is not None:
        either: list[Any] = [models.IsEmptyCondition(is_empty=models.PayloadField(key="labels"))]
        if seen.labels:
            shared = models.MatchAny(any=list(seen.labels))
            either.append(models.FieldCondition(key="labels", match=shared))
        must.append(models.Filter(should=either))
    return models.Filter(must=must) if must else None
