"""Facade of the adapter: the configured clusters, by name."""

from collections.abc import Iterator

from trimtab.infra.dependencies import Dependencies
from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kubernetes.cluster import Cluster
from trimtab.kubernetes.errors import KubernetesNotConfigured, ObjectUnknown


class Clusters:
    """The clusters of the settings; nothing is connected before the first call.

    Args:
        settings: Contexts and limits.
        dependencies: Circuit breakers of the process; None sends every call.
    """

    def __init__(
        self, settings: KubernetesSettings, dependencies: Dependencies | None = None
    ) -> None:
        self.settings = settings
        names = (settings.contexts or ("",)) if settings.enabled else ()
        clusters = (Cluster(name, settings, dependencies) for name in names)
        self._clusters = {each.label: each for each in clusters}

    def __iter__(self) -> Iterator[Cluster]:
        return iter(self._clusters.values())

    def cluster(self, name: str = "") -> Cluster:
        """Return the cluster of that context; empty for the first one.

        Raises:
            KubernetesNotConfigured: The adapter is off.
            ObjectUnknown: No cluster has that name.
        """
        if not self._clusters:
            raise KubernetesNotConfigured("No Kubernetes cluster is configured.")
        found = self._clusters.get(name) if name else next(iter(self._clusters.values()))
        if found is None:
            raise ObjectUnknown(
                f"There is no cluster {name!r}.", hint=f"Name one of: {', '.join(self._clusters)}."
            )
        return found

    def close(self) -> None:
        """Close all connections."""
        for each in self:
            each.close()
