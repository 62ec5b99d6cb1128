"""Signals of the clusters' workloads, pods, volumes and nodes."""

from functools import partial

from trimtab.kernel.operable import Sample, Signal
from trimtab.kubernetes.cluster_state import ClusterStates

_WORKLOAD = ("cluster", "namespace", "kind", "name")
_NODE = ("cluster", "name")
_NAMED = ("cluster", "namespace", "name")
_SIGNALS: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("k8s.up", "up", "1", "Whether the cluster could be read.", ("cluster",)),
    ("k8s.replicas.desired", "desired", "replicas", "Replicas that are wanted.", _WORKLOAD),
    ("k8s.replicas.ready", "ready", "replicas", "Replicas that are ready.", _WORKLOAD),
    ("k8s.replicas.updated", "updated", "replicas", "Replicas of the newest revision.", _WORKLOAD),
    ("k8s.rollout.stuck", "stuck", "1", "Whether the rollout missed its deadline.", _WORKLOAD),
    (
        "k8s.rollout.earlier",
        "earlier",
        "revisions",
        "Kept revisions before the newest, which a rollback can restore.",
        _WORKLOAD,
    ),
    ("k8s.rollout.age", "age", "s", "Time since the newest revision was made.", _WORKLOAD),
    ("k8s.pods", "pods", "pods", "Pods by phase.", ("cluster", "namespace", "phase")),
    ("k8s.pods.restarts", "restarts", "restarts", "Restarts of containers that exist now.", _NAMED),
    ("k8s.pods.oom_killed", "oom_killed", "containers", "Containers killed for memory.", _NAMED),
    (
        "k8s.pods.waiting",
        "waiting",
        "containers",
        "Containers that wait for a repair, and pods without a node, by reason.",
        (*_NAMED, "reason"),
    ),
    ("k8s.pods.cpu_ratio", "pods_cpu", "ratio", "Processor that is used of the limit.", _NAMED),
    ("k8s.pods.memory_ratio", "pods_memory", "ratio", "Memory that is used of the limit.", _NAMED),
    ("k8s.nodes.cpu_ratio", "nodes_cpu", "ratio", "Processor that is used of the node.", _NODE),
    ("k8s.nodes.memory_ratio", "nodes_memory", "ratio", "Memory that is used of the node.", _NODE),
    ("k8s.volumes.bound", "bound", "1", "Whether the volume claim is bound.", _NAMED),
    ("k8s.endpoints.ready", "endpoints", "addresses", "Ready addresses of a service.", _NAMED),
    ("k8s.autoscaler.at_limit", "autoscaler", "1", "Whether it is at its limit.", _NAMED),
    ("k8s.nodes.ready", "node_ready", "1", "Whether the node is ready.", ("cluster", "name")),
    ("k8s.nodes.open", "node_open", "1", "Whether pods may be scheduled.", ("cluster", "name")),
)


def signals(states: ClusterStates) -> tuple[Signal, ...]:
    """Return every signal; none has a sample while no cluster is configured."""
    return tuple(
        Signal(name, unit, text, partial(_read, states, key), labels=labels)
        for name, key, unit, text, labels in _SIGNALS
    )


def _read(states: ClusterStates, key: str) -> list[Sample]:
    return list(states.samples(key))
