"""Patches of workloads: replicas, restart, rollback, environment and resources."""

from collections.abc import Mapping
from typing import Any

from trimtab.kernel.errors import InvalidInput
from trimtab.kubernetes.cluster import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    Cluster,
    Object,
    ObjectKind,
    Patch,
)
from trimtab.kubernetes.errors import ChangeRefused, ObjectUnknown

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
REVISION = "deployment.kubernetes.io/revision"
_GITOPS = ("argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/")
"""Prefixes of labels and annotations that GitOps tools put on what they own."""
WORKLOADS: Mapping[str, ObjectKind] = {"deployment": DEPLOYMENT, "statefulset": STATEFUL_SET}


def template(found: Object) -> Object:
    """Return the pod template of a workload."""
    return dict(found["spec"]["template"])


def containers(found: Object) -> dict[str, Object]:
    """Return the containers of the pod template by name."""
    return {str(each["name"]): each for each in template(found)["spec"]["containers"]}


def container_of(found: Object, name: str) -> Object:
    """Return the container of that name, or the only one when the name is empty.

    Raises:
        InvalidInput: There is none of that name, or several to choose from.
    """
    known = containers(found)
    if name in known:
        return known[name]
    if not name and len(known) == 1:
        return next(iter(known.values()))
    raise InvalidInput(
        f"{found['metadata']['name']} has no container {name!r}."
        if name
        else f"{found['metadata']['name']} has {len(known)} containers.",
        hint=f"Name one of: {', '.join(known)}.",
    )


def scale_patch(replicas: int) -> Patch:
    """Return the patch that sets the replicas."""
    return Patch({"spec": {"replicas": replicas}})


def restart_patch(at: str) -> Patch:
    """Return the patch that restarts all pods in a rollout, as `kubectl rollout restart` does.

    Args:
        at: Moment in ISO format.
    """
    return Patch({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}}})


def environment_patch(container: str, values: Mapping[str, str | None]) -> Patch:
    """Return the patch that sets variables of a container; None removes one."""
    entries = [
        {"name": name, "value": value} if value is not None else {"name": name, "$patch": "delete"}
        for name, value in values.items()
    ]
    return _container_patch({"name": container, "env": entries})


def resources_patch(container: str, resources: Object | None) -> Patch:
    """Return the patch that sets the resources of a container; None in it removes a value."""
    return _container_patch({"name": container, "resources": resources})


def _container_patch(container: Mapping[str, Any]) -> Patch:
    return Patch({"spec": {"template": {"spec": {"containers": [container]}}}}, "strategic")


def revisions(cluster: Cluster, found: Object) -> dict[int, Object]:
    """Return the kept revisions of a workload: their numbers and pod templates."""
    namespace, uid = str(found["metadata"]["namespace"]), found["metadata"]["uid"]
    kind = REPLICA_SET if found["kind"] == "Deployment" else CONTROLLER_REVISION
    labels = found["spec"]["selector"].get("matchLabels") or None
    kept: dict[int, Object] = {}
    for each in cluster.find_all(kind, namespace, labels):
        owners = each["metadata"].get("ownerReferences") or ()
        if uid not in {owner["uid"] for owner in owners}:
            continue
        if kind is REPLICA_SET:
            number = each["metadata"].get("annotations", {}).get(REVISION, "0")
            kept[int(number)] = dict(each["spec"]["template"])
        else:
            kept[int(each["revision"])] = dict(each["data"]["spec"]["template"])
    return kept


def current_revision(cluster: Cluster, found: Object) -> int:
    """Return the number of the newest revision; 0 when none is kept."""
    return max(revisions(cluster, found), default=0)


def rollback_patch(cluster: Cluster, found: Object, revision: int) -> tuple[int, Patch]:
    """Return the revision and the patch that restores its pod template.

    The patch fails when the pod template was changed since ``found``.

    Args:
        cluster: Holds the revisions.
        found: The workload as it is.
        revision: To restore; 0 for the one before the newest.

    Raises:
        ObjectUnknown: The revision is not kept, or there is no earlier one.
    """
    kept = revisions(cluster, found)
    earlier = sorted(kept)[:-1]
    requested = revision or (earlier[-1] if earlier else 0)
    if requested not in kept:
        numbers = ", ".join(map(str, sorted(kept))) or "none"
        raise ObjectUnknown(
            f"{found['metadata']['name']} has no revision {requested or 'before the newest'}.",
            hint=f"Kept revisions: {numbers}.",
        )
    # Not the resource version: the controllers write the status all the time.
    operations = [
        {"op": "test", "path": "/spec/template", "value": found["spec"]["template"]},
        {"op": "replace", "path": "/spec/template", "value": _without_hash(kept[requested])},
    ]
    if not found["metadata"].get("annotations"):
        operations.insert(1, {"op": "add", "path": "/metadata/annotations", "value": {}})
    return requested, Patch(operations, "json")


def _without_hash(found: Object) -> Object:
    meta = dict(found.get("metadata", {}))
    labels = dict(meta.get("labels") or {})
    labels.pop("pod-template-hash", None)
    return {**found, "metadata": {**meta, "labels": labels}}


def warnings(found: Object, autoscalers: list[Object]) -> tuple[str, ...]:
    """Return what may undo a change: a GitOps tool that owns the object, or an autoscaler."""
    meta = found["metadata"]
    marks = {**(meta.get("labels") or {}), **(meta.get("annotations") or {})}
    owners = sorted({key.split("/")[0] for key in marks if key.startswith(_GITOPS)})
    found_warnings = [
        f"{owner} owns it and may undo the change: change its source too." for owner in owners
    ]
    for each in autoscalers:
        target = each["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) == (found["kind"], meta["name"]):
            low, high = each["spec"].get("minReplicas", 1), each["spec"]["maxReplicas"]
            found_warnings.append(
                f"The autoscaler {each['metadata']['name']} keeps {low} to {high} replicas and may "
                "undo a change of their number."
            )
    return tuple(found_warnings)


def rollout_state(found: Object) -> tuple[bool, str]:
    """Return whether the rollout of a workload is complete, and a sentence about it.

    Raises:
        ChangeRefused: The controller gave it up (`ProgressDeadlineExceeded`).
    """
    status, name = found.get("status") or {}, found["metadata"]["name"]
    requested = int(found["spec"].get("replicas", 1))
    if int(status.get("observedGeneration", 0)) < int(found["metadata"]["generation"]):
        return False, f"{name}: the controller has not seen the change yet."
    for condition in status.get("conditions") or ():
        if condition.get("reason") == "ProgressDeadlineExceeded":
            raise ChangeRefused(f"The rollout of {name} does not finish: {condition['message']}")
    updated, ready = int(status.get("updatedReplicas", 0)), int(status.get("readyReplicas", 0))
    total = int(status.get("replicas", 0))
    done = updated == requested and ready == requested and total == requested
    return (
        done,
        f"{name}: {updated} of {requested} replicas are updated, {ready} ready, {total} exist.",
    )
