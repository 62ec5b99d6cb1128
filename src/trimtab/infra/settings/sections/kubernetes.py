"""Settings of the Kubernetes adapter."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    """Clusters and namespaces that trimtab may read and change."""

    enabled: bool = setting(
        default=False, help="Whether clusters are read, and may be changed after approval."
    )
    kubeconfig: str = setting(
        "", help="The kubeconfig file; empty for the service account of trimtab's own pod."
    )
    contexts: tuple[str, ...] = setting(
        (), help="Contexts of the kubeconfig, one for each cluster; empty for the current one."
    )
    namespaces: tuple[str, ...] = setting(
        ("production", "hybrid-ai"),
        help="The only namespaces whose objects are read and changed.",
    )
    request_seconds: float = setting(
        10.0, unit="seconds", help="The longest wait for the API server.", minimum=0.1, maximum=300
    )
    refresh_seconds: float = setting(
        15.0, unit="seconds", help="The time between two reads of the state.", minimum=1
    )
    manifests: str = setting(
        "", help="The folder of the manifests that are applied; empty for those that ship."
    )
    allow_exec: bool = setting(
        default=False,
        help="Whether `k8s.exec` may run commands of its fixed list in pods; the role then needs"
        " pods/exec, which allows any command.",
    )
    drill_image: str = setting(
        "registry.k8s.io/pause:3.9", help="The image of the workloads that drills make and delete."
    )
    max_replicas: int = setting(
        20, unit="replicas", help="The most replicas that an action sets.", minimum=1, maximum=1000
    )
