"""Restart of workloads one after the other, each ready before the next is restarted."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.errors import InvalidInput
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)
from trimtab.kubernetes import workloads
from trimtab.kubernetes.changing import Edit, ObjectChange, ObjectReference
from trimtab.kubernetes.cluster import Object
from trimtab.kubernetes.errors import ChangeRefused, KubernetesTimeout, ObjectUnknown
from trimtab.kubernetes.targets import WHERE, Targets

ORDER = "database,redis,ai-orchestrator,api-gateway"
"""Order of the restoration after an outage of the whole system (HYB-17)."""
_MAX_WORKLOADS = 10
_LONGEST_SECONDS = 600.0
_PAUSE_SECONDS = 0.5


def ordered_restart(targets: Targets, clock: Clock) -> Action:
    """Return the action that restarts workloads in an order."""
    restart = _OrderedRestart(targets, clock)
    return Action(
        "k8s.restart_in_order",
        "Restart Deployments or StatefulSets one after the other, each ready before the next.",
        Risk.APPROVAL,
        restart.run,
        restart.dry_run,
        (
            Param("order", "string", "Their names, the first one first.", ORDER),
            Param("seconds", "number", "The longest wait for each.", 300.0, 1, _LONGEST_SECONDS),
            *WHERE,
        ),
        no_undo_because="the controllers make the pods again from the same templates",
        effect=Effect.REPEATABLE,
        limit_seconds=_MAX_WORKLOADS * _LONGEST_SECONDS,
    )


@dataclass(frozen=True, slots=True)
class _OrderedRestart:
    targets: Targets
    clock: Clock

    def dry_run(self, given: Arguments, context: ActionContext) -> ActionResult:
        """Let the server check each restart, in the order."""
        found = list(self._find(given))
        for each in found:
            self._edit(each).dry_run(given, context)
        text = ", then ".join(map(str, found))
        return ActionResult(f"Would restart {text}; each must be ready before the next.", {})

    def run(self, given: Arguments, context: ActionContext) -> ActionResult:
        """Restart each workload and wait for it; a repeated act continues."""
        found, done = list(self._find(given)), list[str]()
        for position, each in enumerate(found):
            key = f"{context.idempotency_key}/{each.kind.name}/{each.name}"
            self._edit(each).run(given, ActionContext(key, context.actor, context.component))
            try:
                done.append(self._wait(each, float(given["seconds"])))
            except (KubernetesTimeout, ChangeRefused) as error:
                left = ", ".join(str(later) for later in found[position + 1 :]) or "none"
                raise KubernetesTimeout(
                    f"{each} is not ready, so the rest was not restarted ({left}). {error.message}",
                    hint="`trimtab act k8s.pods failing=true` names the pods; repair them, then"
                    " repeat it with the rest as `order`.",
                ) from error
        names = ", ".join(each.name for each in found)
        return ActionResult(f"Restarted in this order: {names}.", {"ready": done})

    def _find(self, given: Arguments) -> Iterator[ObjectReference]:
        """Yield the workloads; all are known before the first is restarted."""
        names = [name.strip() for name in str(given["order"]).split(",") if name.strip()]
        if not names or len(set(names)) < len(names) or len(names) > _MAX_WORKLOADS:
            raise InvalidInput(
                "The order names no workload, one of them twice, or more than"
                f" {_MAX_WORKLOADS}: {given['order']!r}.",
                hint=f"Write it as order={ORDER}.",
            )
        return iter([self._workload(given, name) for name in names])

    def _workload(self, given: Arguments, name: str) -> ObjectReference:
        for kind in workloads.WORKLOADS:
            found = self.targets.workload({**given, "name": name, "kind": kind})
            try:
                found.get()
            except ObjectUnknown:
                continue
            return found
        raise ObjectUnknown(
            f"There is no Deployment and no StatefulSet {name!r}; nothing was restarted.",
            hint="Name yours, such as order=postgresql,redis,ai-orchestrator,api-gateway.",
        )

    def _edit(self, target: ObjectReference) -> Edit:
        def make(_: Arguments, __: ActionContext, ___: Mapping[str, object]) -> ObjectChange:
            at = self.clock.now().isoformat(timespec="seconds")
            return ObjectChange(target, workloads.restart_patch(at), "restarted pod by pod")

        return Edit(lambda _: target, make)

    def _wait(self, target: ObjectReference, seconds: float) -> str:
        clock = machine_clock(self.clock)
        end, pause = clock.monotonic() + seconds, threading.Event()
        while True:
            ready, text = workloads.rollout_state(self._running(target))
            if ready:
                return text
            if clock.monotonic() >= end:
                raise KubernetesTimeout(f"Not ready after {seconds:g} s: {text}")
            pause.wait(_PAUSE_SECONDS)

    def _running(self, target: ObjectReference) -> Object:
        """Return the workload, unless it is scaled to none: that would always be ready."""
        found = target.get()
        if int(found["spec"].get("replicas", 1)) == 0:
            raise ChangeRefused(
                f"{target} is scaled to no replica.",
                hint="Scale it first: `trimtab act k8s.scale`.",
            )
        return found
