"""Actions on ConfigMaps, volumes, pods and nodes."""

from dataclasses import dataclass

from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
    Value,
)
from trimtab.kernel.roles import Role
from trimtab.kubernetes import configuration
from trimtab.kubernetes.changing import Edit, ObjectChange, ObjectReference
from trimtab.kubernetes.cluster import CONFIG_MAP, INGRESS, NODE, POD, VOLUME_CLAIM, Object, Patch
from trimtab.kubernetes.errors import ChangeRefused, ObjectUnknown
from trimtab.kubernetes.targets import WHERE, Targets, named, named_by

_CANARY = "nginx.ingress.kubernetes.io/canary"
_WEIGHT = "nginx.ingress.kubernetes.io/canary-weight"


def object_actions(targets: Targets) -> tuple[Action, ...]:
    """Return every action on objects that are not workloads."""
    changes = _Changes(targets)
    return (
        _patch_configmap(Edit(changes.config_map, changes.change_key)),
        _grow_volume(Edit(changes.claim, changes.change_size)),
        _delete_pod(targets),
        _cordon(Edit(changes.node, changes.change_node)),
        _canary_weight(Edit(changes.ingress, changes.change_weight)),
    )


@dataclass(frozen=True, slots=True)
class _Changes:
    """Finds the object of each action, and computes its change from its present state."""

    targets: Targets

    def config_map(self, given: Arguments) -> ObjectReference:
        return self.targets.of(given, CONFIG_MAP)

    def claim(self, given: Arguments) -> ObjectReference:
        return self.targets.of(given, VOLUME_CLAIM)

    def node(self, given: Arguments) -> ObjectReference:
        return self.targets.of(given, NODE)

    def change_key(self, given: Arguments, _: ActionContext, found: Object) -> ObjectChange:
        key, target = str(given["key"]), self.config_map(given)
        value = None if given["remove"] else str(given["value"])
        former = (found.get("data") or {}).get(key)
        undo: dict[str, Value] = {
            **named_by(given),
            "key": key,
            "value": str(former or ""),
            "remove": former is None,
        }
        users = configuration.users_of(target.cluster, target.namespace, target.name)
        notes = (f"Restart to apply it: {', '.join(users)}.",) if users else ()
        text = f"freed of {key}" if value is None else f"given a value of {key}"
        return ObjectChange(target, Patch({"data": {key: value}}), text, undo, notes)

    def change_size(self, given: Arguments, _: ActionContext, found: Object) -> ObjectChange:
        target, size = self.claim(given), str(given["size"])
        patch = configuration.grow_patch(target.cluster, found, size)
        before = found["spec"]["resources"]["requests"]["storage"]
        return ObjectChange(target, patch, f"requested to grow from {before} to {size}")

    def change_node(self, given: Arguments, _: ActionContext, found: Object) -> ObjectChange:
        off = bool(given["unschedulable"])
        before = bool(found["spec"].get("unschedulable", False))
        undo: dict[str, Value] = {**named_by(given), "unschedulable": before}
        text = "closed to new pods" if off else "opened to new pods"
        patch = Patch({"spec": {"unschedulable": off or None}})
        return ObjectChange(self.node(given), patch, text, undo)

    def ingress(self, given: Arguments) -> ObjectReference:
        return self.targets.of(given, INGRESS)

    def change_weight(self, given: Arguments, _: ActionContext, found: Object) -> ObjectChange:
        marks = found["metadata"].get("annotations") or {}
        if marks.get(_CANARY) != "true":
            raise ChangeRefused(
                f"Ingress {given['name']} is not a canary: it lacks the annotation {_CANARY}.",
                hint="Name the Ingress of the new release, not that of the present one.",
            )
        weight = int(given["percent"])
        undo = {**named_by(given), "percent": int(marks.get(_WEIGHT, "0"))}
        patch = Patch({"metadata": {"annotations": {_WEIGHT: str(weight)}}})
        return ObjectChange(self.ingress(given), patch, f"given {weight} % of the traffic", undo)


def _canary_weight(edit: Edit) -> Action:
    return Action(
        "k8s.canary_weight",
        "Set the share of the traffic that the Ingress of a new release gets; 0 withdraws it.",
        Risk.APPROVAL,
        edit.run,
        edit.dry_run,
        (named(INGRESS), Param("percent", "integer", "Its share.", 1, 0, 100), *WHERE),
        undo=edit.undo,
        effect=Effect.REVERSIBLE,
    )


def _patch_configmap(edit: Edit) -> Action:
    return Action(
        "k8s.patch_configmap",
        "Set or remove one key of a ConfigMap; names what must restart to read it.",
        Risk.APPROVAL,
        edit.run,
        edit.dry_run,
        (
            named(CONFIG_MAP),
            Param("key", "string", "The key."),
            Param("value", "string", "Its value.", ""),
            Param("remove", "boolean", "Whether to remove it.", default=False),
            *WHERE,
        ),
        undo=edit.undo,
        effect=Effect.REVERSIBLE,
    )


def _grow_volume(edit: Edit) -> Action:
    return Action(
        "k8s.grow_volume",
        "Request more room for a volume; volumes never shrink.",
        Risk.APPROVAL,
        edit.run,
        edit.dry_run,
        (named(VOLUME_CLAIM), Param("size", "string", "The new size, such as 200Gi."), *WHERE),
        no_undo_because="volumes do not shrink",
        effect=Effect.IRREVERSIBLE,
        role=Role.ADMIN,
    )


def _cordon(edit: Edit) -> Action:
    return Action(
        "k8s.cordon",
        "Let no new pod be scheduled on a node, or let them again.",
        Risk.APPROVAL,
        edit.run,
        edit.dry_run,
        (
            named(NODE),
            Param("unschedulable", "boolean", "False opens it again.", default=True),
            *(param for param in WHERE if param.name == "cluster"),
        ),
        undo=edit.undo,
        effect=Effect.REVERSIBLE,
        role=Role.ADMIN,
    )


def _delete_pod(targets: Targets) -> Action:
    def evict(given: Arguments, *, dry: bool) -> ActionResult:
        target = targets.of(given, POD)
        try:
            meta = target.get()["metadata"]
        except ObjectUnknown:
            return ActionResult(f"{target} does not exist any more.", changes=False)
        if "deletionTimestamp" in meta:
            return ActionResult(f"{target} is ending already.", changes=False)
        owners = meta.get("ownerReferences") or ()
        if not owners:
            raise ChangeRefused(
                f"{target} belongs to no controller: nothing would make it again.",
                hint="Delete it with kubectl if that is meant.",
            )
        target.cluster.evict(target.namespace, target.name, dry_run=dry)
        owner, verb = f"{owners[0]['kind']} {owners[0]['name']}", "would be" if dry else "was"
        return ActionResult(f"{target} {verb} evicted; {owner} makes another.", {"owner": owner})

    return Action(
        "k8s.delete_pod",
        "Evict a pod, which honours disruption budgets; its controller makes another.",
        Risk.APPROVAL,
        lambda given, _: evict(given, dry=False),
        lambda given, _: evict(given, dry=True),
        (named(POD), *WHERE),
        no_undo_because="the controller makes another pod from the same template",
        effect=Effect.REPEATABLE,
    )
