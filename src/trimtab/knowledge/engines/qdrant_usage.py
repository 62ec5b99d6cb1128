"""Reads over HTTP what a Qdrant server stores and which requests it limits."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from trimtab.kernel.operable import Sample, Signal
from trimtab.kernel.tasks import ScheduledTask

_log = logging.getLogger(__name__)
_SECONDS = 10.0
_EVERY_SECONDS = 600.0
_OVERHEAD = 1.5
"""Qdrant's own rule for planning: vectors take half as much again, for the graph and payloads."""
_BYTES = {"float32": 4, "float16": 2, "uint8": 1}
_GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class QdrantUsage:
    """Storage of all collections of a server, and limits of the plan."""

    collections: int
    points: int
    stored_gb: float
    """Estimated from points and dimensions by Qdrant's rule: its API does not tell bytes."""
    limit_gb: float
    """As the settings say; 0 where no limit is set."""
    reads_per_minute: int | None
    """The least limit of a collection; None where none has one."""
    writes_per_minute: int | None
    problem: str = ""
    """Why it could not be read; empty when it was."""

    @property
    def ratio(self) -> float | None:
        """Return the share of the storage in use; None without a limit, or when unknown."""
        return self.stored_gb / self.limit_gb if self.limit_gb and not self.problem else None


class QdrantUsageMonitor:
    """The use of the Qdrant server at the last look.

    Args:
        url: As `knowledge.qdrant_url`; empty means that there is none.
        limit_gb: Storage of the plan; 0 means no limit.
    """

    def __init__(self, url: str, limit_gb: float) -> None:
        self._url, self._limit_gb = url, limit_gb
        self.last: QdrantUsage | None = None

    def look(self) -> QdrantUsage | None:
        """Ask the server; None when none is configured."""
        if self._url.startswith(("http://", "https://")):
            self.last = read_usage(self._url, self._limit_gb)
        return self.last

    def scheduled(self) -> tuple[ScheduledTask, ...]:
        """Return the regular look; none where no server or no limit is configured."""
        if not self._url or not self._limit_gb:
            return ()
        return (
            ScheduledTask(
                "look at the storage of Qdrant", _EVERY_SECONDS, self.look, each_process=True
            ),
        )


def read_usage(url: str, limit_gb: float) -> QdrantUsage:
    """Return what the server holds; after a failure its ``problem`` says why."""
    # The HTTP client takes long to load, and most services have no such server.
    import httpx

    address, key = _split_key(url)
    try:
        with httpx.Client(
            base_url=address,
            headers={"api-key": key} if key else {},
            timeout=_SECONDS,
            follow_redirects=False,
        ) as client:
            found = list(_collections(lambda path: _get(client.get(path))))
    except (httpx.HTTPError, ValueError, TypeError, LookupError, AttributeError) as error:
        _log.warning("qdrant's use is not known", extra={"error_type": type(error).__name__})
        problem = f"Qdrant's use is not known: {_reason(error)}."
        return QdrantUsage(0, 0, 0.0, limit_gb, None, None, problem)
    reads = [limit for _, _, limit, _ in found if limit is not None]
    writes = [limit for _, _, _, limit in found if limit is not None]
    return QdrantUsage(
        len(found),
        sum(points for points, _, _, _ in found),
        sum(size for _, size, _, _ in found) / _GB,
        limit_gb,
        min(reads, default=None),
        min(writes, default=None),
    )


def _collections(
    get: Callable[[str], Mapping[str, Any]],
) -> Iterator[tuple[int, float, int | None, int | None]]:
    """Yield points, estimated bytes and limits of reads and writes of each collection."""
    for entry in get("/collections")["collections"]:
        found = get(f"/collections/{quote(entry['name'], safe='')}")
        points, config = int(found.get("points_count") or 0), found["config"]
        vectors = config["params"]["vectors"]
        kinds = [vectors] if "size" in vectors else list(vectors.values())
        each = sum(int(kind["size"]) * _BYTES.get(str(kind.get("datatype")), 4) for kind in kinds)
        strict = config.get("strict_mode_config") or {}
        limited = bool(strict.get("enabled"))
        reads, writes = strict.get("read_rate_limit"), strict.get("write_rate_limit")
        yield (
            points,
            points * each * _OVERHEAD,
            int(reads) if limited and reads else None,
            int(writes) if limited and writes else None,
        )


def _get(response: Any) -> Mapping[str, Any]:
    response.raise_for_status()
    found: Mapping[str, Any] = response.json()["result"]
    return found


def _split_key(url: str) -> tuple[str, str]:
    """Return the address without its key, and the key."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", "")), parts.password or ""


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        refused = response.status_code in (401, 403)
        return "it refuses the API key" if refused else f"it answers {response.status_code}"
    return f"{type(error).__name__}"


def usage_signals(monitor: QdrantUsageMonitor) -> tuple[Signal, ...]:
    """Return the signals of the server's use; without samples before the first look."""

    def of_last(value: Callable[[QdrantUsage], float | None]) -> Callable[[], Iterable[Sample]]:
        def samples() -> Iterable[Sample]:
            last = monitor.last
            found = None if last is None or last.problem else value(last)
            return () if found is None else (Sample(float(found)),)

        return samples

    return (
        Signal(
            "knowledge.qdrant.stored_gb",
            "GB",
            "Estimated storage of all collections of the Qdrant server, at the last look.",
            of_last(lambda last: last.stored_gb),
        ),
        Signal(
            "knowledge.qdrant.storage_ratio",
            "ratio",
            "Share of the storage of the Qdrant plan in use; absent without a limit.",
            of_last(lambda last: last.ratio),
        ),
    )
