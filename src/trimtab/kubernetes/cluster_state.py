"""The state of all clusters, read at intervals so that a scrape costs nothing."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import Sample
from trimtab.kubernetes.cluster import (
    AUTOSCALER,
    DEPLOYMENT,
    ENDPOINTS,
    NODE,
    POD,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Cluster,
    Object,
)
from trimtab.kubernetes.clusters import Clusters

_log = logging.getLogger(__name__)
_WAITING = ("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError")
"""Reasons why a container waits that need a repair; others pass by themselves."""


@dataclass(slots=True)
class ClusterState:
    """Samples of one cluster, by signal."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def add(self, signal: str, value: float, **labels: str) -> None:
        """Add one sample."""
        self.samples.setdefault(signal, []).append(Sample(value, labels))


class ClusterStates:
    """Keeps the newest state of each cluster.

    Args:
        clusters: The clusters.
    """

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters
        self._states: dict[str, ClusterState] = {}
        self.errors: dict[str, str] = {}
        """Why a cluster could not be read, by its name; its old samples are dropped."""

    def refresh(self) -> None:
        """Read every cluster; one that cannot be read has no samples but `up`."""
        for cluster in self._clusters:
            state = ClusterState()
            try:
                for namespace in self._clusters.settings.namespaces:
                    _read_namespace(cluster, namespace, state)
                _read_nodes(cluster, state)
            except TrimtabError as error:
                if self.errors.get(cluster.name) != error.message:
                    _log.warning("a cluster cannot be read", extra={"why": error.message})
                self.errors[cluster.name] = error.message
                state = ClusterState()
            else:
                self.errors.pop(cluster.name, None)
            up = 0.0 if cluster.name in self.errors else 1.0
            state.add("up", up, cluster=cluster.name)
            self._states[cluster.name] = state

    def samples(self, signal: str) -> Iterator[Sample]:
        """Yield the samples of a signal over all clusters."""
        for state in tuple(self._states.values()):
            yield from state.samples.get(signal, ())


def _read_namespace(cluster: Cluster, namespace: str, state: ClusterState) -> None:
    where = {"cluster": cluster.name, "namespace": namespace}
    for kind in (DEPLOYMENT, STATEFUL_SET):
        for each in cluster.find_all(kind, namespace):
            labels = {**where, "kind": kind.name.lower(), "name": each["metadata"]["name"]}
            status = each.get("status") or {}
            state.add("desired", float(each["spec"].get("replicas", 1)), **labels)
            state.add("ready", float(status.get("readyReplicas", 0)), **labels)
            state.add("updated", float(status.get("updatedReplicas", 0)), **labels)
            state.add("stuck", float(_is_stuck(status)), **labels)
    _read_pods(cluster, namespace, state)
    for each in cluster.find_all(VOLUME_CLAIM, namespace):
        bound = (each.get("status") or {}).get("phase") == "Bound"
        state.add("bound", float(bound), **where, name=each["metadata"]["name"])
    for each in cluster.find_all(ENDPOINTS, namespace):
        ready = sum(len(part.get("addresses") or ()) for part in each.get("subsets") or ())
        state.add("endpoints", float(ready), **where, name=each["metadata"]["name"])
    if cluster.serves(AUTOSCALER):
        for each in cluster.find_all(AUTOSCALER, namespace):
            limit = each["spec"]["maxReplicas"]
            at_limit = (each.get("status") or {}).get("currentReplicas", 0) >= limit
            state.add("autoscaler", float(at_limit), **where, name=each["metadata"]["name"])


def _read_pods(cluster: Cluster, namespace: str, state: ClusterState) -> None:
    """Add the counts of pods by phase and, by workload, restarts and why containers wait."""
    where = {"cluster": cluster.name, "namespace": namespace}
    phases: Counter[str] = Counter()
    restarts: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    waiting: Counter[tuple[str, str]] = Counter()
    for pod in cluster.find_all(POD, namespace):
        status, owner = pod.get("status") or {}, workload_of(pod)
        phases[str(status.get("phase", "Unknown"))] += 1
        if _is_unschedulable(status):
            waiting[owner, "Unschedulable"] += 1
        for container in status.get("containerStatuses") or ():
            restarts[owner] += int(container.get("restartCount", 0))
            last = (container.get("lastState") or {}).get("terminated") or {}
            killed[owner] += last.get("reason") == "OOMKilled"
            reason = ((container.get("state") or {}).get("waiting") or {}).get("reason", "")
            if reason in _WAITING:
                waiting[owner, reason] += 1
    for phase in ("Pending", "Running", "Succeeded", "Failed", "Unknown"):
        state.add("pods", float(phases[phase]), **where, phase=phase)
    for owner, count in restarts.items():
        state.add("restarts", float(count), **where, name=owner)
        state.add("oom_killed", float(killed[owner]), **where, name=owner)
    for (owner, reason), count in waiting.items():
        state.add("waiting", float(count), **where, name=owner, reason=reason)


def _read_nodes(cluster: Cluster, state: ClusterState) -> None:
    for node in cluster.find_all(NODE):
        conditions = {
            each["type"]: each["status"]
            for each in (node.get("status") or {}).get("conditions") or ()
        }
        labels = {"cluster": cluster.name, "name": node["metadata"]["name"]}
        state.add("node_ready", float(conditions.get("Ready") == "True"), **labels)
        state.add("node_open", float(not node["spec"].get("unschedulable", False)), **labels)


def workload_of(pod: Object) -> str:
    """Return the name of the workload of a pod; of a pod without a controller, its own name."""
    owners = pod["metadata"].get("ownerReferences") or ()
    if not owners:
        return str(pod["metadata"]["name"])
    owner = str(owners[0]["name"])
    template_hash = (pod["metadata"].get("labels") or {}).get("pod-template-hash")
    # A Deployment owns its pods through a ReplicaSet, whose name ends with the template's hash.
    return owner.removesuffix(f"-{template_hash}") if template_hash else owner


def _is_stuck(status: Object) -> bool:
    return any(
        each.get("reason") == "ProgressDeadlineExceeded" for each in status.get("conditions") or ()
    )


def _is_unschedulable(status: Object) -> bool:
    return any(
        each.get("type") == "PodScheduled" and each.get("reason") == "Unschedulable"
        for each in status.get("conditions") or ()
    )
