"""Signals of rollouts: the revisions of each workload, and the age of the newest."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime

from trimtab.kubernetes.cluster import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    Cluster,
    Object,
)
from trimtab.kubernetes.workloads import REVISION

_KINDS = ((DEPLOYMENT, REPLICA_SET), (STATEFUL_SET, CONTROLLER_REVISION))


def read_rollouts(
    cluster: Cluster,
    namespace: str,
    workloads: Mapping[str, Object],
    add: Callable[..., None],
    now: datetime,
) -> None:
    """Add the number of earlier revisions and the age of the newest one of each workload.

    Args:
        cluster: Holds the revisions.
        namespace: Of the workloads.
        workloads: The workloads by uid.
        add: Adds a sample of a signal.
        now: The machine's time.
    """
    for kind, revision_kind in _KINDS:
        kept: dict[str, list[Object]] = defaultdict(list)
        for each in cluster.find_all(revision_kind, namespace):
            for owner in each["metadata"].get("ownerReferences") or ():
                if owner["uid"] in workloads:
                    kept[owner["uid"]].append(each)
        for uid, revisions in kept.items():
            labels = {
                "cluster": cluster.label,
                "namespace": namespace,
                "kind": kind.name.lower(),
                "name": str(workloads[uid]["metadata"]["name"]),
            }
            newest = max(revisions, key=_number)
            age = (now - _made_at(newest)).total_seconds()
            add("earlier", float(len(revisions) - 1), **labels)
            add("age", max(0.0, age), **labels)


def _number(revision: Object) -> int:
    if "revision" in revision:
        return int(revision["revision"])
    return int((revision["metadata"].get("annotations") or {}).get(REVISION, 0))


def _made_at(revision: Object) -> datetime:
    return datetime.fromisoformat(revision["metadata"]["creationTimestamp"])
