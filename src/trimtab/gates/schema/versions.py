"""Available schema versions and their compiled validators."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jsonschema_rs
import orjson

from trimtab.gates.errors import EvidenceUnreadable
from trimtab.gates.evidence_files import read_evidence
from trimtab.infra.shipped import shipped

CURRENT: dict[str, str] = {"report": "2.0", "baseline": "1.0", "manifest": "1.0", "verdict": "1.0"}
"""Document kind to the version that this build writes."""
_FILE = re.compile(r"^(?P<kind>[a-z]+)-(?P<version>[0-9]+\.[0-9]+)\.json$")


@cache
def available(kind: str) -> tuple[str, ...]:
    """Return the schema versions of a kind, oldest first."""
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
    """Return the document's version as ``major.minor``; None if not stated.

    A patch number is ignored (``2.0.1`` is 2.0): patches change descriptions only.
    """
    stated = document.get("schema_version") if isinstance(document, dict) else None
    match = re.match(r"^([0-9]+\.[0-9]+)(\.[0-9]+)?$", stated) if isinstance(stated, str) else None
    return match[1] if match else None


def project_schemas(folder: Path) -> list[tuple[str, str, str]]:
    """Return name, state and title of each schema file in a project.

    The state is ``ok``; ``BROKEN`` when it is not a JSON schema; ``changed`` when it has the name
    of a shipped schema and another content, because reports are judged by the shipped one.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        state, title = "ok", ""
        try:
            loaded = orjson.loads(read_evidence(path))
            jsonschema_rs.Draft202012Validator(loaded)
            title = str(loaded.get("title", ""))
        except (ValueError, AttributeError, EvidenceUnreadable) as error:
            state, title = "BROKEN", str(error).partition("\n")[0][:120]
        own = shipped("schemas") / path.name
        if state == "ok" and own.is_file() and own.read_bytes() != path.read_bytes():
            state = "changed"
        found.append((path.name, state, title))
    return found
