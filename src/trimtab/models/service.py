"""The facade of the models domain."""

from trimtab.models.artifacts import ArtifactFolder
from trimtab.models.context import ModelsContext
from trimtab.models.registry import Registry
from trimtab.models.trained import predictor_loader


class Models:
    """Trained models: their registry and, built on it, serving and monitoring.

    Attributes:
        context: Of the domain.
        registry: Versions and aliases.
    """

    def __init__(self, context: ModelsContext) -> None:
        self.context = context
        max_bytes = int(context.settings.max_artifact_mb * 1e6)
        artifacts = ArtifactFolder(context.env.directory, max_bytes)
        self.registry = Registry(context, artifacts, predictor_loader)

    def start(self) -> None:
        """Remove what an interrupted registration left; loads nothing."""
        self.registry.artifacts.clean(self.registry.store.digests())

    def close(self) -> None:
        """Stop serving. May be called twice."""
