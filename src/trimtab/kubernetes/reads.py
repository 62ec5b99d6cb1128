"""Actions that only look: rollout, revisions, events, logs and the state of an object."""

from functools import partial

import orjson

from trimtab.infra.telemetry.logs import redacted
from trimtab.kernel.operable import Action, ActionContext, ActionResult, Arguments, Param, Risk, Run
from trimtab.kubernetes import workloads
from trimtab.kubernetes.changing import ObjectReference
from trimtab.kubernetes.cluster import CONFIG_MAP, EVENT, KINDS, POD, Object
from trimtab.kubernetes.targets import WHERE, WORKLOAD, Targets
from trimtab.kubernetes.usage import top

_MAX_LINES = 1000
_MAX_CHARACTERS = 100_000
_EVENTS = 20
"""The newest events that are shown."""


def read_actions(targets: Targets) -> tuple[Action, ...]:
    """Return the actions that change nothing."""
    kinds = tuple(sorted(KINDS))
    return (
        _read(
            "k8s.rollout_status",
            "Say whether a rollout is complete.",
            partial(_rollout, targets),
            WORKLOAD,
        ),
        _read(
            "k8s.top",
            "Show the processor and memory that nodes and pods use; needs a metrics API.",
            partial(_top, targets),
            (),
        ),
        _read(
            "k8s.history",
            "List the kept revisions of a workload.",
            partial(_revisions, targets),
            WORKLOAD,
        ),
        _read(
            "k8s.describe",
            "Show the state and the newest events of an object.",
            partial(_describe, targets),
            (
                Param("name", "string", "The object."),
                Param("kind", "string", "What it is.", "pod", choices=kinds),
            ),
        ),
        _read(
            "k8s.logs",
            "Show the last lines of a container's log, without secrets.",
            partial(_logs, targets),
            (
                Param("name", "string", "The pod."),
                Param("container", "string", "The container; empty for the only one.", ""),
                Param("lines", "integer", "How many.", 100, 1, _MAX_LINES),
            ),
        ),
    )


def _top(targets: Targets, given: Arguments, _: ActionContext) -> ActionResult:
    target = targets.of({**given, "name": ""}, POD)
    used = top(target.cluster, target.namespace)
    text = f"{len(used['nodes'])} nodes and {len(used['pods'])} pods of {target.namespace}."
    return ActionResult(text, used, changes=False)


def _rollout(targets: Targets, given: Arguments, _: ActionContext) -> ActionResult:
    found = targets.of(given, KINDS[str(given["kind"])]).get()
    done, text = workloads.rollout_state(found)
    return ActionResult(text, {"complete": done}, changes=False)


def _revisions(targets: Targets, given: Arguments, _: ActionContext) -> ActionResult:
    target = targets.of(given, KINDS[str(given["kind"])])
    kept = workloads.revisions(target.cluster, target.get())
    images = {
        str(number): [str(each.get("image", "")) for each in kept[number]["spec"]["containers"]]
        for number in sorted(kept)
    }
    text = f"{target} has {len(kept)} kept revisions."
    return ActionResult(text, {"images": images}, changes=False)


def _describe(targets: Targets, given: Arguments, _: ActionContext) -> ActionResult:
    target = targets.of(given, KINDS[str(given["kind"])])
    found = target.get()
    events = _events(target, found)
    state = {"spec": _without_values(found.get("spec")), "status": found.get("status")}
    if target.kind is CONFIG_MAP:
        state = {"keys": sorted(found.get("data") or {})}
    shown = redacted(orjson.dumps(state, option=orjson.OPT_INDENT_2).decode())
    facts = {"state": shown[:_MAX_CHARACTERS], "events": events}
    return ActionResult(f"{target}: {len(events)} recent events.", facts, changes=False)


def _logs(targets: Targets, given: Arguments, _: ActionContext) -> ActionResult:
    target = targets.of(given, POD)
    text = target.cluster.logs(
        target.namespace,
        target.name,
        str(given["container"]),
        int(given["lines"]),
    )
    shown = redacted(text)[-_MAX_CHARACTERS:]
    count = len(shown.splitlines())
    return ActionResult(f"{count} lines of {target}.", {"log": shown}, changes=False)


def _read(name: str, text: str, run: Run, params: tuple[Param, ...]) -> Action:
    return Action(name, text, Risk.OBSERVE, run, run, (*params, *WHERE))


def _without_values(value: object) -> object:
    """Return a specification without the values of environment variables, which may be secret."""
    if isinstance(value, dict):
        return {
            key: [{**entry, "value": "(hidden)"} if "value" in entry else entry for entry in each]
            if key == "env"
            else _without_values(each)
            for key, each in value.items()
        }
    return [_without_values(each) for each in value] if isinstance(value, list) else value


def _events(target: ObjectReference, found: Object) -> list[str]:
    if not target.kind.namespaced:
        return []
    uid = found["metadata"]["uid"]
    about = [
        each
        for each in target.cluster.find_all(EVENT, target.namespace)
        if each["involvedObject"].get("uid") == uid
    ]
    about.sort(key=_moment)
    return [_event_line(each) for each in about[-_EVENTS:]]


def _event_line(event: Object) -> str:
    message = redacted(str(event.get("message") or ""))
    return f"{_moment(event)} {event.get('type')} {event.get('reason')}: {message}"


def _moment(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp"))
