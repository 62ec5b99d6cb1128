"""Applies the ConfigMaps `cache-config` and `model-config` while the service runs.

The runbooks patch them (`ttl`, `max_size`, `fallback_enabled`) and name no restart.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trimtab.infra.changes import ChangeLog
from trimtab.infra.config_maps import BadConfigMap, parse_bool, read_config_map
from trimtab.models.serving.service import Serving

_log = logging.getLogger(__name__)
CACHE, MODEL = "cache-config", "model-config"
ACTOR = "models.config_dir"
_SIZE = re.compile(r"(?P<number>\d{1,12}(?:\.\d{1,3})?)\s?(?P<unit>[KMG]i?B?|B)?")
_BYTES = {"": 1, "B": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_KEYS = {CACHE: ("ttl", "max_size"), MODEL: ("fallback_enabled",)}
_MB = 1024 * 1024


class BadConfig(BadConfigMap):
    """A mounted ConfigMap has a value that cannot be applied."""

    code = "models.bad_config"
    default_hint = 'Write ttl: "3600", max_size: "1GB", fallback_enabled: "true".'


@dataclass(frozen=True, slots=True)
class _Values:
    """Values of the ConfigMaps; None for a key that they do not have."""

    ttl_seconds: float | None = None
    max_bytes: int | None = None
    fallback_enabled: bool | None = None


class ConfigFiles:
    """Applies the values of ConfigMaps when they change.

    Args:
        folder: Holds the folders or YAML files of the ConfigMaps; None applies nothing.
        serving: Has the cache and the fallbacks.
        changes: Records each change, so that it can be undone.
    """

    def __init__(self, folder: Path | None, serving: Serving, changes: ChangeLog) -> None:
        self._folder, self._serving, self._changes = folder, serving, changes
        self._texts: dict[str, dict[str, str]] = {}

    def look(self) -> bool:
        """Apply the ConfigMaps if they have changed; return whether they were applied.

        A wrong value is logged once and changes nothing: the former values stay in force.
        """
        if self._folder is None:
            return False
        try:
            found = {
                name: read_config_map(self._folder, name, keys) for name, keys in _KEYS.items()
            }
            if found == self._texts:
                return False
            self._texts = found
            self._apply(_parsed(found))
        except (BadConfigMap, OSError, UnicodeDecodeError) as error:
            _log.error("model_config_refused", extra={"reason": str(error)})
            return False
        return True

    def _apply(self, values: _Values) -> None:
        cache, serving = self._serving.cache, self._serving
        ttl = cache.ttl_seconds if values.ttl_seconds is None else values.ttl_seconds
        size = cache.max_bytes if values.max_bytes is None else values.max_bytes
        if (ttl, size) != (cache.ttl_seconds, cache.max_bytes):
            before = {"ttl_seconds": cache.ttl_seconds, "max_mb": cache.max_bytes / _MB}
            cache.resize(ttl, size)
            self._changes.record(ACTOR, "models.cache.resize", before)
        enabled = values.fallback_enabled
        if enabled is not None and enabled != serving.fallback_enabled:
            serving.fallback_enabled = enabled
            self._changes.record(ACTOR, "models.fallback", {"enabled": not enabled})
        facts = {"ttl_seconds": ttl, "max_bytes": size, "fallback": serving.fallback_enabled}
        _log.info("model_config_applied", extra=facts)


def _parsed(texts: Mapping[str, Mapping[str, str]]) -> _Values:
    """Return the values of all keys, so that a wrong one changes none of them."""
    cache, model = texts[CACHE], texts[MODEL]
    return _Values(
        _seconds(cache["ttl"]) if "ttl" in cache else None,
        _bytes(cache["max_size"]) if "max_size" in cache else None,
        parse_bool("fallback_enabled", model["fallback_enabled"])
        if "fallback_enabled" in model
        else None,
    )


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,9}(?:\.\d{1,3})?", text):
        raise BadConfig(f"ttl is {text[:40]!r}, not a number of seconds.")
    return float(text)


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if found is None:
        raise BadConfig(f"max_size is {text[:40]!r}, not a size such as 1GB.")
    return int(float(found["number"]) * _BYTES[(found["unit"] or "")[:1]])
