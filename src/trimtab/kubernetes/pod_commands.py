"""Runs commands of a fixed list in pods: what only a process in the pod can tell.

The caller chooses a command by its name; host and port are the only parts that it gives. There is
no shell, so nothing in them is interpreted.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial

from trimtab.infra.telemetry.logs import redacted
from trimtab.kernel.errors import InvalidInput
from trimtab.kernel.operable import Action, ActionContext, ActionResult, Arguments, Param, Risk
from trimtab.kubernetes.changing import ObjectReference
from trimtab.kubernetes.cluster import POD, Object
from trimtab.kubernetes.cluster_state import workload_of
from trimtab.kubernetes.errors import ObjectUnknown, ProgramMissing, VerbForbidden
from trimtab.kubernetes.pod_exec import run_in_pod
from trimtab.kubernetes.targets import WHERE, Targets
from trimtab.kubernetes.workloads import WORKLOADS

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_SECONDS = 30.0
_FETCH = (
    "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=10).read(1000).decode())"
)
_COMMANDS = ("dns", "heartbeat", "heartbeat_v2", "disk", "io", "gpu")

Program = tuple[str, ...]


def pod_command_actions(targets: Targets) -> tuple[Action, ...]:
    """Return the action that runs a command in a pod."""
    return (
        Action(
            "k8s.exec",
            "Run a command of a fixed list in a pod, such as the look-up of a name.",
            Risk.OBSERVE,
            partial(_run, targets),
            partial(_preview, targets),
            (
                Param("command", "string", "What to run.", choices=_COMMANDS),
                Param("name", "string", "The workload, of which a ready pod is taken, or the pod."),
                Param("kind", "string", "What it is.", "deployment", choices=(*WORKLOADS, "pod")),
                Param("container", "string", "The container; empty for the only one.", ""),
                Param("host", "string", "The host of dns and heartbeat.", "chromadb"),
                Param("port", "integer", "The port of heartbeat.", 8000, 1, 65_535),
                *WHERE,
            ),
        ),
    )


def _programs(host: str, port: int) -> Mapping[str, Sequence[Program]]:
    """Return the programs of each command; the first that the container has is run."""
    first, second = (f"http://{host}:{port}/api/{version}/heartbeat" for version in ("v1", "v2"))
    return {
        "dns": (("getent", "hosts", host), ("nslookup", host)),
        "heartbeat": _fetching(first),
        "heartbeat_v2": _fetching(second),
        "disk": (("df", "-h"),),
        "io": (("iostat", "-x", "1", "5"),),
        "gpu": (("nvidia-smi",),),
    }


def _fetching(url: str) -> Sequence[Program]:
    return (
        ("curl", "-sS", "--fail", "--max-time", "10", url),
        ("wget", "-q", "-O", "-", "-T", "10", url),
        ("python3", "-c", _FETCH, url),
    )


def _resolve(targets: Targets, given: Arguments) -> tuple[ObjectReference, Sequence[Program]]:
    """Return the pod and the programs; raises what forbids it."""
    if not targets.clusters.settings.allow_exec:
        raise VerbForbidden(
            "Commands in pods are switched off.",
            hint="Set `kubernetes.allow_exec=true`, then apply the role that `trimtab kubernetes "
            "rbac` prints.",
        )
    host = str(given["host"])
    if not _HOST.fullmatch(host):
        raise InvalidInput(
            f"{host!r} is not the name of a host.", hint="Write it as chromadb or 10.0.0.7."
        )
    kind = str(given["kind"])
    pod = targets.of(given, POD) if kind == "pod" else _ready_pod(targets.workload(given))
    pod.get()  # Refuses other namespaces, and a pod that is not there.
    return pod, _programs(host, int(given["port"]))[str(given["command"])]


def _ready_pod(workload: ObjectReference) -> ObjectReference:
    labels = workload.get()["spec"]["selector"].get("matchLabels")
    names = sorted(
        str(pod["metadata"]["name"])
        for pod in workload.cluster.find_all(POD, workload.namespace, labels)
        if workload_of(pod) == workload.name and _is_ready(pod)
    )
    if not names:
        raise ObjectUnknown(
            f"No pod of {workload} is ready.",
            hint="`trimtab act k8s.pods failing=true` shows the state of those that are not.",
        )
    return ObjectReference(workload.cluster, POD, workload.namespace, names[0])


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return "deletionTimestamp" not in pod["metadata"] and any(
        each["type"] == "Ready" and each["status"] == "True" for each in conditions
    )


def _preview(targets: Targets, given: Arguments, _: ActionContext) -> ActionResult:
    pod, programs = _resolve(targets, given)
    shown = [" ".join(each) for each in programs]
    text = f"`{shown[0]}` would run in {pod}."
    return ActionResult(text, {"pod": pod.name, "programs": shown}, changes=False)


def _run(targets: Targets, given: Arguments, _: ActionContext) -> ActionResult:
    pod, programs = _resolve(targets, given)
    for program in programs:
        try:
            done = run_in_pod(pod, str(given["container"]), program, _SECONDS)
        except ProgramMissing:
            continue
        command = " ".join(program)
        facts = {
            "pod": pod.name,
            "command": command,
            "exit_code": done.exit_code,
            "ok": done.exit_code == 0,
            "output": redacted(done.text),
        }
        text = "succeeded" if facts["ok"] else f"ended with exit code {done.exit_code}"
        return ActionResult(f"`{command}` in {pod} {text}.", facts, changes=False)
    names = ", ".join(program[0] for program in programs)
    raise ProgramMissing(f"{pod} has none of the programs {names}.")
