"""Actions on Deployments and StatefulSets: scale, restart, roll back, and change containers."""

from dataclasses import dataclass

from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import InvalidInput
from trimtab.kernel.operable import Action, ActionContext, Arguments, Effect, Param, Risk, Value
from trimtab.kernel.roles import Role
from trimtab.kubernetes import workloads
from trimtab.kubernetes.changing import Edit, ObjectChange, ObjectReference
from trimtab.kubernetes.cluster import AUTOSCALER, DEPLOYMENT, STATEFUL_SET, Object, ObjectKind
from trimtab.kubernetes.configuration import quantity
from trimtab.kubernetes.errors import ChangeRefused
from trimtab.kubernetes.ordered_restart import ordered_restart
from trimtab.kubernetes.targets import WHERE, WORKLOAD, Targets, named, named_by

_CONTAINER = Param("container", "string", "The container; empty for the only one.", "")
_ABSENT = "absent"
_RESOURCES = {
    "memory_limit": ("limits", "memory"),
    "memory_request": ("requests", "memory"),
    "cpu_limit": ("limits", "cpu"),
    "cpu_request": ("requests", "cpu"),
    "gpu_limit": ("limits", "nvidia.com/gpu"),
    "gpu_request": ("requests", "nvidia.com/gpu"),
}
_RESOURCE_HELP = "Such as 8Gi or 500m; `absent` removes it; empty leaves it as it is."


def workload_actions(targets: Targets, clock: Clock) -> tuple[Action, ...]:
    """Return every action on workloads."""
    changes = _Changes(targets, clock)
    scale = Edit(targets.workload, changes.change_replicas)
    return (
        _reversible(
            "k8s.scale",
            "Set the replicas of a Deployment or StatefulSet.",
            (Param("replicas", "integer", "How many.", minimum=1),),
            scale,
            scale,
        ),
        _reversible(
            "k8s.stop",
            "Scale a Deployment or StatefulSet to no replica.",
            (),
            Edit(targets.workload, changes.change_to_none),
            scale,
        ),
        _restart("k8s.restart", DEPLOYMENT, changes),
        _restart("k8s.restart_stateful", STATEFUL_SET, changes),
        ordered_restart(targets, clock),
        _rollback(Edit(targets.workload, changes.change_back)),
        _set_env(Edit(targets.workload, changes.change_variable)),
        _set_resources(Edit(targets.workload, changes.change_resources)),
    )


@dataclass(frozen=True, slots=True)
class _Changes:
    """Computes the change of each action from the workload as it is."""

    targets: Targets
    clock: Clock

    def change_replicas(self, given: Arguments, _: ActionContext, found: Object) -> ObjectChange:
        replicas, limit = int(given["replicas"]), self.targets.clusters.settings.max_replicas
        if replicas > limit:
            raise InvalidInput(
                f"{replicas} replicas are more than the limit of {limit}.",
                hint="Raise `kubernetes.max_replicas` if that many are meant.",
            )
        before = int(found["spec"].get("replicas", 1))
        return ObjectChange(
            self.targets.workload(given),
            workloads.scale_patch(replicas),
            f"scaled from {before} to {replicas} replicas",
            {**named_by(given), "replicas": before},
            self._notes(given, found),
        )

    def change_to_none(
        self, given: Arguments, context: ActionContext, found: Object
    ) -> ObjectChange:
        return self.change_replicas({**given, "replicas": 0}, context, found)

    def change_back(self, given: Arguments, _: ActionContext, found: Object) -> ObjectChange:
        target = self.targets.workload(given)
        newest = workloads.current_revision(target.cluster, found)
        revision, patch = workloads.rollback_patch(target.cluster, found, int(given["revision"]))
        return ObjectChange(
            target,
            patch,
            f"rolled back from revision {newest} to revision {revision}",
            {**named_by(given), "revision": newest},
            self._notes(given, found),
        )

    def change_variable(self, given: Arguments, _: ActionContext, found: Object) -> ObjectChange:
        container = workloads.container_of(found, str(given["container"]))
        variable, value = str(given["variable"]), str(given["value"])
        former = {str(each["name"]): each for each in container.get("env") or ()}.get(variable)
        if former is not None and "valueFrom" in former:
            raise ChangeRefused(
                f"{variable} comes from a Secret, a ConfigMap or a field.",
                hint="ObjectChange what it is read from.",
            )
        undo: dict[str, Value] = {
            **named_by(given),
            "container": str(container["name"]),
            "variable": variable,
            "value": str((former or {}).get("value", "")),
            "remove": former is None,
        }
        requested = {variable: None if given["remove"] else value}
        patch = workloads.environment_patch(str(container["name"]), requested)
        text = f"freed of {variable}" if given["remove"] else f"given a value of {variable}"
        return ObjectChange(
            self.targets.workload(given), patch, text, undo, self._notes(given, found)
        )

    def change_resources(self, given: Arguments, _: ActionContext, found: Object) -> ObjectChange:
        container = workloads.container_of(found, str(given["container"]))
        name, before = str(container["name"]), container.get("resources") or {}
        requested: dict[str, dict[str, str | None]] = {}
        undo: dict[str, Value] = {**named_by(given), "container": name}
        given_ = {each: str(given[each]) for each in _RESOURCES if given.get(each)}
        for each, value in given_.items():
            part, resource = _RESOURCES[each]
            if value != _ABSENT:
                quantity(value)
            requested.setdefault(part, {})[resource] = None if value == _ABSENT else value
            undo[each] = str((before.get(part) or {}).get(resource, _ABSENT))
        if not requested:
            raise InvalidInput("No resource is named.", hint="Give memory_limit, for instance.")
        text = "given " + ", ".join(f"{each}={value}" for each, value in given_.items())
        patch = workloads.resources_patch(name, requested)
        return ObjectChange(
            self.targets.workload(given), patch, text, undo, self._notes(given, found)
        )

    def _notes(self, given: Arguments, found: Object) -> tuple[str, ...]:
        target = self.targets.workload(given)
        cluster = target.cluster
        served = cluster.serves(AUTOSCALER)
        scalers = cluster.find_all(AUTOSCALER, target.namespace) if served else []
        return workloads.warnings(found, scalers)


def _restart(name: str, kind: ObjectKind, changes: _Changes) -> Action:
    def find(given: Arguments) -> ObjectReference:
        return changes.targets.of(given, kind)

    def make(given: Arguments, _: ActionContext, __: Object) -> ObjectChange:
        at = changes.clock.now().isoformat(timespec="seconds")
        return ObjectChange(find(given), workloads.restart_patch(at), "restarted pod by pod")

    edit = Edit(find, make)
    return Action(
        name,
        f"Restart all pods of a {kind.name} in a rollout.",
        Risk.APPROVAL,
        edit.run,
        edit.dry_run,
        (named(kind), *WHERE),
        no_undo_because="the controller makes the pods again from the same template",
        effect=Effect.REPEATABLE,
    )


def _rollback(edit: Edit) -> Action:
    return _reversible(
        "k8s.rollback",
        "Restore an earlier revision of a Deployment or StatefulSet.",
        (Param("revision", "integer", "Its number; 0 for the one before the newest.", 0, 0),),
        edit,
        edit,
        role=Role.ADMIN,
    )


def _set_env(edit: Edit) -> Action:
    return _reversible(
        "k8s.set_env",
        "Set or remove a variable of a container; its pods restart.",
        (
            _CONTAINER,
            Param("variable", "string", "Name of the variable."),
            Param("value", "string", "Its value.", ""),
            Param("remove", "boolean", "Whether to remove it.", default=False),
        ),
        edit,
        edit,
    )


def _set_resources(edit: Edit) -> Action:
    return _reversible(
        "k8s.set_resources",
        "Set requests and limits of a container; its pods restart.",
        (_CONTAINER, *(Param(name, "string", _RESOURCE_HELP, "") for name in _RESOURCES)),
        edit,
        edit,
    )


def _reversible(
    name: str,
    text: str,
    params: tuple[Param, ...],
    edit: Edit,
    undo: Edit,
    *,
    role: Role = Role.OPERATOR,
) -> Action:
    return Action(
        name,
        text,
        Risk.APPROVAL,
        edit.run,
        edit.dry_run,
        (*WORKLOAD, *params, *WHERE),
        undo=undo.undo,
        effect=Effect.REVERSIBLE,
        role=role,
    )
