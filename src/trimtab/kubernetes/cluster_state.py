"""The state of all clusters, read at intervals so that a scrape costs nothing."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product

from trimtab.kernel.clock import Clock, machine_clock
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
from trimtab.kubernetes.rollouts import read_rollouts
from trimtab.kubernetes.usage import read_nodes_usage, read_pods_usage

_log = logging.getLogger(__name__)
UNSCHEDULABLE = "Unschedulable"
_WAITING: Mapping[str, str] = {
    "CrashLoopBackOff": "CrashLoopBackOff",
    "RunContainerError": "CrashLoopBackOff",
    "ImagePullBackOff": "ImagePullBackOff",
    "ErrImagePull": "ImagePullBackOff",
    "InvalidImageName": "ImagePullBackOff",
    "CreateContainerConfigError": "CreateContainerConfigError",
}
"""Reasons why a container waits that need a repair, with those that follow each other as one."""
REASONS = (*dict.fromkeys(_WAITING.values()), UNSCHEDULABLE)


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
        clock: Its machine's time is compared with that of the cluster, also when it runs faster.
    """

    def __init__(self, clusters: Clusters, clock: Clock) -> None:
        self._clusters = clusters
        self._clock = machine_clock(clock)
        self._states: dict[str, ClusterState] = {}
        self.errors: dict[str, str] = {}
        """Why a cluster could not be read, by its name; its old samples are dropped."""

    def refresh(self) -> None:
        """Read every cluster; one that cannot be read has no samples but `up`."""
        for cluster in self._clusters:
            state = ClusterState()
            cluster.forget_versions()
            try:
                for namespace in self._clusters.settings.namespaces:
                    _read_namespace(cluster, namespace, state, self._clock.now())
                _read_nodes(cluster, state)
            except TrimtabError as error:
                if self.errors.get(cluster.name) != error.message:
                    _log.warning("a cluster cannot be read", extra={"why": error.message})
                self.errors[cluster.name] = error.message
                state = ClusterState()
            else:
                self.errors.pop(cluster.name, None)
            up = 0.0 if cluster.name in self.errors else 1.0
            state.add("up", up, cluster=cluster.label)
            self._states[cluster.name] = state

    def samples(self, signal: str) -> Iterator[Sample]:
        """Yield the samples of a signal over all clusters."""
        for state in tuple(self._states.values()):
            yield from state.samples.get(signal, ())


def _read_namespace(cluster: Cluster, namespace: str, state: ClusterState, now: datetime) -> None:
    where = {"cluster": cluster.label, "namespace": namespace}
    workloads: dict[str, Object] = {}
    for kind in (DEPLOYMENT, STATEFUL_SET):
        for each in cluster.find_all(kind, namespace):
            labels = {**where, "kind": kind.name.lower(), "name": each["metadata"]["name"]}
            status = each.get("status") or {}
            state.add("desired", float(each["spec"].get("replicas", 1)), **labels)
            state.add("ready", float(status.get("readyReplicas", 0)), **labels)
            state.add("updated", float(status.get("updatedReplicas", 0)), **labels)
            state.add("stuck", float(_is_stuck(status)), **labels)
            workloads[each["metadata"]["uid"]] = each
    read_rollouts(cluster, namespace, workloads, state.add, now)
    names = [str(each["metadata"]["name"]) for each in workloads.values()]
    _read_pods(cluster, namespace, names, state)
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


def _read_pods(cluster: Cluster, namespace: str, names: Iterable[str], state: ClusterState) -> None:
    """Add the counts of pods by phase and, by workload, restarts and why containers wait.

    A workload without a reason has zeros, so that a check can tell that it is not the cause.
    """
    where = {"cluster": cluster.label, "namespace": namespace}
    phases: Counter[str] = Counter()
    restarts: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    waiting = Counter(dict.fromkeys(product(names, REASONS), 0))
    pods: dict[str, tuple[str, Object]] = {}
    for pod in cluster.find_all(POD, namespace):
        status, owner = pod.get("status") or {}, workload_of(pod)
        pods[str(pod["metadata"]["name"])] = (owner, pod)
        phases[str(status.get("phase", "Unknown"))] += 1
        if _is_unschedulable(status):
            waiting[owner, UNSCHEDULABLE] += 1
        for container in status.get("containerStatuses") or ():
            restarts[owner] += int(container.get("restartCount", 0))
            last = (container.get("lastState") or {}).get("terminated") or {}
            killed[owner] += last.get("reason") == "OOMKilled"
            reason = ((container.get("state") or {}).get("waiting") or {}).get("reason", "")
            if reason in _WAITING:
                waiting[owner, _WAITING[reason]] += 1
    for phase in ("Pending", "Running", "Succeeded", "Failed", "Unknown"):
        state.add("pods", float(phases[phase]), **where, phase=phase)
    for owner, count in restarts.items():
        state.add("restarts", float(count), **where, name=owner)
        state.add("oom_killed", float(killed[owner]), **where, name=owner)
    for (owner, reason), count in waiting.items():
        state.add("waiting", float(count), **where, name=owner, reason=reason)
    read_pods_usage(cluster, namespace, pods, state.add)


def _read_nodes(cluster: Cluster, state: ClusterState) -> None:
    nodes = cluster.find_all(NODE)
    read_nodes_usage(cluster, nodes, state.add)
    for node in nodes:
        conditions = {
            each["type"]: each["status"]
            for each in (node.get("status") or {}).get("conditions") or ()
        }
        labels = {"cluster": cluster.label, "name": node["metadata"]["name"]}
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
