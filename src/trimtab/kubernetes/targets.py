"""Parameters that name an object, and the place they name."""

from dataclasses import dataclass

from trimtab.kernel.operable import Arguments, Param, Value
from trimtab.kubernetes.changing import ObjectReference
from trimtab.kubernetes.cluster import ObjectKind
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.workloads import WORKLOADS

WHERE = (
    Param("namespace", "string", "The namespace; empty for the first allowed one.", ""),
    Param("cluster", "string", "The context in the kubeconfig; empty for the first.", ""),
)
WORKLOAD = (
    Param("name", "string", "The workload."),
    Param("kind", "string", "What it is.", "deployment", choices=tuple(WORKLOADS)),
)


def named(kind: ObjectKind) -> Param:
    """Return the parameter that names an object of the kind."""
    return Param("name", "string", f"The {kind.name}.")


@dataclass(frozen=True, slots=True)
class Targets:
    """Finds what the arguments of an action name."""

    clusters: Clusters

    def workload(self, given: Arguments) -> ObjectReference:
        """Return the named Deployment or StatefulSet."""
        return self.of(given, WORKLOADS[str(given["kind"])])

    def of(self, given: Arguments, kind: ObjectKind) -> ObjectReference:
        """Return the named object of a kind."""
        cluster = self.clusters.cluster(str(given["cluster"]))
        namespace = ""
        if kind.namespaced:
            allowed = self.clusters.settings.namespaces
            namespace = str(given["namespace"]) or next(iter(allowed), "")
        return ObjectReference(cluster, kind, namespace, str(given["name"]))


def named_by(given: Arguments) -> dict[str, Value]:
    """Return the arguments that name the object, for an undo."""
    return {key: given[key] for key in ("name", "kind", "namespace", "cluster") if key in given}
