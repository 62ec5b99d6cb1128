"""Use of processor and memory, as the metrics API of a cluster tells it (`kubectl top`)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from trimtab.kubernetes.cluster import NODE, Cluster, Object, ObjectKind
from trimtab.kubernetes.configuration import quantity

NODE_METRICS = ObjectKind(
    "NodeMetrics", "metrics.k8s.io", "nodes", ("v1", "v1beta1"), namespaced=False
)
POD_METRICS = ObjectKind("PodMetrics", "metrics.k8s.io", "pods", ("v1", "v1beta1"))
RESOURCES = ("cpu", "memory")


def read_pods_usage(
    cluster: Cluster,
    namespace: str,
    pods: Mapping[str, tuple[str, Object]],
    add: Callable[..., None],
) -> None:
    """Add the share of their limits that the pods of each workload use.

    A container without a limit counts with its request; a workload with neither has no share.

    Args:
        cluster: Asked for its metrics; without a metrics API nothing is added.
        namespace: Of the pods.
        pods: Workload and pod, by the pod's name.
        add: Adds a sample of a signal.
    """
    if not cluster.serves(POD_METRICS):
        return
    used: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    allowed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for each in cluster.find_all(POD_METRICS, namespace):
        workload, pod = pods.get(str(each["metadata"]["name"]), ("", None))
        if pod is None:
            continue
        for resource in RESOURCES:
            used[workload, resource] += total_used(each, resource)
            allowed[workload, resource] += _allowed(pod["spec"]["containers"], resource)
    where = {"cluster": cluster.label, "namespace": namespace}
    for (workload, resource), amount in used.items():
        if limit := allowed[workload, resource]:
            add(f"pods_{resource}", float(amount / limit), **where, name=workload)


def read_nodes_usage(cluster: Cluster, nodes: Iterable[Object], add: Callable[..., None]) -> None:
    """Add the share of its allocatable processor and memory that each node uses."""
    if not cluster.serves(NODE_METRICS):
        return
    rooms = {
        str(node["metadata"]["name"]): (node.get("status") or {}).get("allocatable") or {}
        for node in nodes
    }
    for each in cluster.find_all(NODE_METRICS):
        name = str(each["metadata"]["name"])
        for resource in RESOURCES:
            room = quantity(str(rooms.get(name, {}).get(resource, "0")))
            if room:
                share = quantity(str(each["usage"].get(resource, "0"))) / room
                add(f"nodes_{resource}", float(share), cluster=cluster.label, name=name)


def top(cluster: Cluster, namespace: str) -> dict[str, list[dict[str, object]]]:
    """Return what nodes and pods use, the largest users of the processor first.

    Raises:
        ObjectUnknown: The cluster has no metrics API.
    """
    names = {str(node["metadata"]["name"]) for node in cluster.find_all(NODE)}
    nodes = [
        _line(each, {key: quantity(str(each["usage"].get(key, "0"))) for key in RESOURCES})
        for each in cluster.find_all(NODE_METRICS)
        if each["metadata"]["name"] in names
    ]
    pods = [
        _line(each, {key: total_used(each, key) for key in RESOURCES})
        for each in cluster.find_all(POD_METRICS, namespace)
    ]
    return {
        key: sorted(lines, key=lambda line: -float(str(line["cpu_cores"])))
        for key, lines in (("nodes", nodes), ("pods", pods))
    }


def total_used(metrics: Object, resource: str) -> Decimal:
    """Return what the containers of a pod use together."""
    containers = metrics.get("containers") or ()
    return sum((quantity(str(each["usage"].get(resource, "0"))) for each in containers), Decimal())


def _line(metrics: Object, used: Mapping[str, Decimal]) -> dict[str, object]:
    return {
        "name": metrics["metadata"]["name"],
        "cpu_cores": round(float(used["cpu"]), 3),
        "memory_bytes": int(used["memory"]),
    }


def _allowed(containers: Iterable[Object], resource: str) -> Decimal:
    total = Decimal()
    for each in containers:
        given = each.get("resources") or {}
        found = (given.get("limits") or {}).get(resource) or (given.get("requests") or {}).get(
            resource
        )
        total += quantity(str(found)) if found else Decimal()
    return total
