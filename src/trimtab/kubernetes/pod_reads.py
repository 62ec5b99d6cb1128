"""Actions that look at pods: those of a label, and whether a workload gets ready."""

import threading
from functools import partial

from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.errors import InvalidInput
from trimtab.kernel.operable import Action, ActionContext, ActionResult, Arguments, Param, Risk
from trimtab.kubernetes import workloads
from trimtab.kubernetes.cluster import NETWORK_POLICY, POD, Object
from trimtab.kubernetes.errors import KubernetesTimeout
from trimtab.kubernetes.network_policies import reach
from trimtab.kubernetes.targets import WHERE, WORKLOAD, Targets

_LONGEST_SECONDS = 600.0
_PAUSE_SECONDS = 0.5


def pod_read_actions(targets: Targets, clock: Clock) -> tuple[Action, ...]:
    """Return the actions that look at pods."""
    reached = partial(_reach, targets)
    pods, wait = partial(_pods, targets), partial(_wait, targets, machine_clock(clock))
    return (
        Action(
            "k8s.pods",
            "List pods by label with their state; or only those that do not run.",
            Risk.OBSERVE,
            pods,
            pods,
            (
                Param("selector", "string", "Such as app=chromadb; empty for all.", ""),
                Param("failing", "boolean", "Only those that are not ready.", default=False),
                *WHERE,
            ),
        ),
        Action(
            "k8s.reach",
            "Tell whether network policies let pods reach a port of other pods.",
            Risk.OBSERVE,
            reached,
            reached,
            (
                Param("target", "string", "Labels of the pods that are called."),
                Param("source", "string", "Labels of the pods that call."),
                Param("port", "integer", "The TCP port.", 8000, 1, 65_535),
                *WHERE,
            ),
        ),
        Action(
            "k8s.wait",
            "Wait until every replica of a workload is ready.",
            Risk.OBSERVE,
            wait,
            partial(_ready_now, targets),
            (
                *WORKLOAD,
                Param("seconds", "number", "The longest wait.", 300.0, 1, _LONGEST_SECONDS),
                *WHERE,
            ),
            limit_seconds=_LONGEST_SECONDS + 30,
        ),
    )


def _pods(targets: Targets, given: Arguments, _: ActionContext) -> ActionResult:
    place = targets.of({**given, "name": ""}, POD)
    labels = _labels(str(given["selector"]))
    found = [_line(pod) for pod in place.cluster.find_all(POD, place.namespace, labels)]
    failing = [each for each in found if not each["ready"]]
    shown = failing if given["failing"] else found
    text = f"{len(found)} pods in {place.namespace}, {len(failing)} of them not ready."
    return ActionResult(text, {"pods": shown}, changes=False)


_WORDS = {True: "is open", False: "is closed", None: "may be open or closed"}


def _reach(targets: Targets, given: Arguments, _: ActionContext) -> ActionResult:
    place = targets.of({**given, "name": ""}, NETWORK_POLICY)
    found = reach(
        place.cluster.find_all(NETWORK_POLICY, place.namespace),
        _labels(str(given["target"])),
        _labels(str(given["source"])),
        int(given["port"]),
    )
    selected = ", ".join(found.policies) or "none"
    text = (
        f"Port {given['port']} of {given['target']} {_WORDS[found.open]} to {given['source']};"
        f" policies that select it: {selected}."
    )
    facts = {"open": found.open, "policies": list(found.policies)}
    return ActionResult(text, facts, changes=False)


def _labels(selector: str) -> dict[str, str]:
    labels = {}
    for part in filter(None, selector.split(",")):
        name, equals, value = part.strip().partition("=")
        if not name or not equals:
            raise InvalidInput(f"{part!r} is not a label.", hint="Write it as app=chromadb.")
        labels[name] = value.lstrip("=")
    return labels


def _line(pod: Object) -> dict[str, object]:
    status = pod.get("status") or {}
    states = status.get("containerStatuses") or ()
    reasons = [
        str(((each.get("state") or {}).get("waiting") or {}).get("reason", "")) for each in states
    ]
    return {
        "name": pod["metadata"]["name"],
        "phase": status.get("phase", "Unknown"),
        "ready": bool(states) and all(each.get("ready") for each in states),
        "restarts": sum(int(each.get("restartCount", 0)) for each in states),
        "reason": next(filter(None, reasons), ""),
        "node": pod["spec"].get("nodeName", ""),
    }


def _ready_now(targets: Targets, given: Arguments, _: ActionContext) -> ActionResult:
    ready, text = workloads.rollout_state(targets.workload(given).get())
    return ActionResult(text, {"ready": ready}, changes=False)


def _wait(targets: Targets, clock: Clock, given: Arguments, context: ActionContext) -> ActionResult:
    end, pause = clock.monotonic() + float(given["seconds"]), threading.Event()
    while True:
        result = _ready_now(targets, given, context)
        if result.facts["ready"]:
            return result
        if clock.monotonic() >= end:
            raise KubernetesTimeout(
                f"Not ready after {given['seconds']:g} s: {result.summary}",
                hint="`trimtab act k8s.pods failing=true` names the pods that are not.",
            )
        pause.wait(_PAUSE_SECONDS)
