"""Routes of the registry of trained models."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import READER
from trimtab.api.services import ModelsDep
from trimtab.kernel.errors import ErrorKind
from trimtab.models.records import ModelVersion

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=ApiRoute)


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A model with the versions that its aliases name."""

    name: str
    versions: int
    aliases: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ModelList:
    """All models, sorted by name."""

    models: tuple[ModelSummary, ...]


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """One version in a list."""

    version: int
    aliases: tuple[str, ...]
    flavour: str
    sha256: str
    """Of the signed manifest, which covers the hash of every file."""
    parent: int
    metrics: Mapping[str, float]
    registered_at: datetime
    registered_by: str

    @classmethod
    def of(cls, version: ModelVersion, aliases: Mapping[str, int]) -> "VersionSummary":
        """Return the summary of a version."""
        mine = tuple(alias for alias, number in aliases.items() if number == version.version)
        manifest = version.manifest
        return cls(
            version.version,
            mine,
            manifest.flavour,
            version.digest,
            manifest.parent,
            manifest.metrics,
            version.registered_at,
            version.registered_by,
        )


@dataclass(frozen=True, slots=True)
class VersionList:
    """The versions of one model, oldest first."""

    name: str
    versions: tuple[VersionSummary, ...]


@router.get("", dependencies=[READER])
def list_models(models: ModelsDep) -> ModelList:
    """List all models with the versions that their aliases name."""
    registry = models.registry
    return ModelList(
        tuple(
            ModelSummary(name, len(registry.versions(name)), registry.aliases(name))
            for name in registry.names()
        )
    )


@router.get("/{name}/versions", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[READER])
def list_versions(name: str, models: ModelsDep) -> VersionList:
    """List the versions of a model, oldest first."""
    aliases = models.registry.aliases(name)
    found = models.registry.versions(name)
    return VersionList(name, tuple(VersionSummary.of(version, aliases) for version in found))
