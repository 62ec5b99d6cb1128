"""Which schemas there are, and one compiled validator for each."""

import re
from collections.abc import Mapping
from functools import cache

import jsonschema_rs
import orjson

from trimtab.infra.shipped import shipped

CURRENT: dict[str, str] = {"report": "2.0", "baseline": "1.0", "manifest": "1.0", "verdict": "1.0"}
"""Document kind to the version that this build writes."""
_FILE = re.compile(r"^(?P<kind>[a-z]+)-(?P<version>[0-9]+\.[0-9]+)\.json$")


@cache
def available(kind: str) -> tuple[str, ...]:
    """Return the versions of a kind that have a schema, oldest first."""
    found = (_FILE.match(path.name) for path in shipped("schemas").glob(f"{kind}-*.json"))
    versions = [match["version"] for match in found if match]
    return tuple(sorted(versions, key=lambda text: tuple(map(int, text.split(".")))))


@cache
def schema(kind: str, version: str) -> Mapping[str, object]:
    """Return the JSON schema of that kind and version."""
    loaded: Mapping[str, object] = orjson.loads(
        (shipped("schemas") / f"{kind}-{version}.json").read_bytes()
    )
    return loaded


@cache
def validator(kind: str, version: str) -> jsonschema_rs.Draft202012Validator:
    """Return the compiled validator of that kind and version."""
    return jsonschema_rs.Draft202012Validator(dict(schema(kind, version)))


def version_of(document: object) -> str | None:
    """Return the document's version as ``major.minor``, or None if it states none.

    A patch number is ignored (``2.0.1`` is 2.0): patches change descriptions only.
    """
    stated = document.get("schema_version") if isinstance(document, dict) else None
    match = re.match(r"^([0-9]+\.[0-9]+)(\.[0-9]+)?$", stated) if isinstance(stated, str) else None
    return match[1] if match else None
