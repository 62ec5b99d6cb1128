"""The role that trimtab needs in a cluster, made from what its calls need."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trimtab.kubernetes.cluster import (
    API_SERVICE,
    AUTOSCALER,
    CONFIG_MAP,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    INGRESS,
    KINDS,
    NODE,
    SERVICE,
    STATEFUL_SET,
    STORAGE_CLASS,
    VOLUME_CLAIM,
    ObjectKind,
)
from trimtab.kubernetes.usage import NODE_METRICS, POD_METRICS

_READ = ("get", "list")
_WORKLOADS = (DEPLOYMENT, STATEFUL_SET)
_NEEDS: Mapping[str, Mapping[ObjectKind, Sequence[str]]] = {
    "k8s.scale": dict.fromkeys(_WORKLOADS, ("patch",)),
    "k8s.stop": dict.fromkeys(_WORKLOADS, ("patch",)),
    "k8s.restart": {DEPLOYMENT: ("patch",)},
    "k8s.restart_stateful": {STATEFUL_SET: ("patch",)},
    "k8s.restart_in_order": dict.fromkeys(_WORKLOADS, ("patch",)),
    "k8s.rollback": dict.fromkeys(_WORKLOADS, ("patch",)),
    "k8s.set_env": dict.fromkeys(_WORKLOADS, ("patch",)),
    "k8s.set_resources": dict.fromkeys(_WORKLOADS, ("patch",)),
    "k8s.patch_configmap": {CONFIG_MAP: ("patch",)},
    "k8s.grow_volume": {VOLUME_CLAIM: ("patch",), STORAGE_CLASS: ("get",)},
    "k8s.delete_pod": {},
    "k8s.cordon": {NODE: ("patch",)},
    "k8s.canary_weight": {INGRESS: ("patch",)},
    "k8s.apply": dict.fromkeys((SERVICE, CONFIG_MAP, AUTOSCALER), ("create", "patch")),
    "k8s.rollout_status": {},
    "k8s.top": {},
    "k8s.pods": {},
    "k8s.reach": {},
    "k8s.wait": {},
    "k8s.history": {},
    "k8s.describe": {},
    "k8s.logs": {},
    "k8s.exec": {},
}
"""What each action writes, by kind; reading is in `_READS`, and subresources in `_SUB`."""
ACTIONS = frozenset(_NEEDS)
"""Names of the actions whose needs are known."""
_ON_REQUEST = frozenset({"k8s.exec"})
"""Actions whose verbs allow more than the action does: no role can limit the commands."""
_READS = (*KINDS.values(), CONTROLLER_REVISION, API_SERVICE, NODE_METRICS, POD_METRICS)
"""What signals, plans and `k8s.describe` read."""
_SUB: Mapping[str, tuple[str, str, Sequence[str]]] = {
    "k8s.delete_pod": ("", "pods/eviction", ("create",)),
    "k8s.logs": ("", "pods/log", ("get",)),
    # Newer servers ask for `create` where a websocket was a `get` before.
    "k8s.exec": ("", "pods/exec", ("create", "get")),
}


def usual_actions(*, allow_exec: bool = False) -> list[str]:
    """Return the actions that a role is made for when none is named."""
    return sorted(ACTIONS if allow_exec else ACTIONS - _ON_REQUEST)


def manifests(
    actions: Iterable[str], namespaces: Iterable[str], account: str, home: str
) -> list[dict[str, Any]]:
    """Return ServiceAccount, roles and bindings for these actions.

    Args:
        actions: Names of the actions that may run; signals are always read.
        namespaces: Where.
        account: Name of the service account.
        home: Its namespace.
    """
    names = [name for name in actions if name in _NEEDS]
    subject = [{"kind": "ServiceAccount", "name": account, "namespace": home}]
    made: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": account, "namespace": home},
        }
    ]
    rules = _rules(names, namespaced=True)
    for namespace in namespaces:
        meta = {"name": account, "namespace": namespace}
        made += [_role("Role", meta, rules), _binding("RoleBinding", "Role", meta, subject)]
    meta = {"name": account}
    whole = _rules(names, namespaced=False)
    made += [
        _role("ClusterRole", meta, whole),
        _binding("ClusterRoleBinding", "ClusterRole", meta, subject),
    ]
    return made


def _rules(names: Sequence[str], *, namespaced: bool) -> list[dict[str, Any]]:
    verbs: dict[tuple[str, str], set[str]] = {}
    for kind in _READS:
        if kind.namespaced == namespaced:
            verbs[kind.group, kind.plural] = set(_READ)
    for name in names:
        for kind, needed in _NEEDS[name].items():
            if kind.namespaced == namespaced:
                verbs.setdefault((kind.group, kind.plural), set()).update(needed)
        if namespaced and name in _SUB:
            group, resource, needed = _SUB[name]
            verbs.setdefault((group, resource), set()).update(needed)
    return [
        {"apiGroups": [group], "resources": [resource], "verbs": sorted(each)}
        for (group, resource), each in sorted(verbs.items())
    ]


def _role(kind: str, meta: Mapping[str, str], rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": dict(meta),
        "rules": rules,
    }


def _binding(
    kind: str, role: str, meta: Mapping[str, str], subjects: list[dict[str, str]]
) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": dict(meta),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": meta["name"]},
        "subjects": subjects,
    }
