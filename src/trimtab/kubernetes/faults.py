"""Faults of clusters, for drills: each makes objects of its own, breaks them, and deletes them."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trimtab.kernel.operable import Arguments, Fault, Param, Realism, Value
from trimtab.kubernetes.cluster import (
    DEPLOYMENT,
    KINDS,
    NODE,
    SERVICE,
    VOLUME_CLAIM,
    Cluster,
    Object,
    ObjectKind,
    Patch,
)
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.errors import ChangeRefused, KubernetesTimeout, ObjectUnknown

DRILL = "trimtab-drill"
"""Name of what a drill makes, and of the label on it."""
_OWN = {"app.kubernetes.io/managed-by": DRILL}
_NOT_THERE = "trimtab.invalid/none:1"
"""An image of a registry that cannot exist."""
_ENDS_AT_ONCE = {"command": ["/trimtab-drill-no-such-program"]}
_TOO_LARGE = {"resources": {"requests": {"cpu": "100000"}}}
_READY_SECONDS = 180.0
_PORT = 8000
_NAME = Param("name", "string", "The name of what is made.", DRILL)


def faults(clusters: Clusters) -> tuple[Fault, ...]:
    """Return every fault of the adapter; without a cluster they refuse."""
    made = _Drills(clusters)
    real = (
        ("k8s.rollout.bad_image", "Roll out an image that does not exist.", made.roll_out),
        (
            "k8s.rollout.no_room",
            "Roll out a revision that requests more than any node has.",
            made.roll_out_too_large,
        ),
        ("k8s.workload.no_image", "Make a Deployment without its image.", made.without_image),
        ("k8s.workload.crash", "Make a Deployment whose containers end at once.", made.crashing),
        ("k8s.workload.no_room", "Make a Deployment that fits no node.", made.too_large),
        (
            "k8s.workload.no_configuration",
            "Make a Deployment that reads a ConfigMap which does not exist.",
            made.without_configuration,
        ),
        (
            "k8s.workload.little_memory",
            "Make a Deployment with less memory than its container needs to start.",
            made.with_little_memory,
        ),
        ("k8s.service.stopped", "Scale the pods of a Service to none.", made.scale_to_none),
        ("k8s.service.selector", "Let a Service select no pod.", made.selecting_nothing),
        ("k8s.volume.unbound", "Claim a volume of a class that does not exist.", made.claiming),
    )
    return (
        *(
            Fault(name, text, inject, made.restore, (_NAME,), realism=Realism.REAL)
            for name, text, inject in real
        ),
        Fault(
            "k8s.node.lost",
            "Register a node on which no kubelet runs.",
            made.losing_a_node,
            made.restore,
            (_NAME,),
            realism=Realism.SIMULATED,
            simulated_because="no kubelet ever ran there, so no pod is lost with the node",
        ),
    )


@dataclass
class _Drills:
    clusters: Clusters
    _pause: threading.Event = field(default_factory=threading.Event)

    def roll_out(self, given: Arguments) -> Mapping[str, Value]:
        return self._rolled_out(given, image=_NOT_THERE)

    def roll_out_too_large(self, given: Arguments) -> Mapping[str, Value]:
        return self._rolled_out(given, **_TOO_LARGE)

    def without_image(self, given: Arguments) -> Mapping[str, Value]:
        return self._made(given, image=_NOT_THERE)

    def crashing(self, given: Arguments) -> Mapping[str, Value]:
        return self._made(given, **_ENDS_AT_ONCE)

    def too_large(self, given: Arguments) -> Mapping[str, Value]:
        return self._made(given, **_TOO_LARGE)

    def without_configuration(self, given: Arguments) -> Mapping[str, Value]:
        return self._made(given, envFrom=[{"configMapRef": {"name": f"{DRILL}-none"}}])

    def with_little_memory(self, given: Arguments) -> Mapping[str, Value]:
        return self._made(given, resources={"limits": {"memory": "4Mi"}})

    def scale_to_none(self, given: Arguments) -> Mapping[str, Value]:
        def break_it(run: "_Run") -> None:
            self._serve(run, given)
            run.patch(DEPLOYMENT, Patch({"spec": {"replicas": 0}}))

        return self._run(given, break_it)

    def selecting_nothing(self, given: Arguments) -> Mapping[str, Value]:
        def break_it(run: "_Run") -> None:
            self._serve(run, given)
            run.patch(SERVICE, Patch({"spec": {"selector": {"app": f"{DRILL}-none"}}}))

        return self._run(given, break_it)

    def claiming(self, given: Arguments) -> Mapping[str, Value]:
        spec = {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": f"{DRILL}-none",
            "resources": {"requests": {"storage": "1Gi"}},
        }
        return self._run(given, lambda run: run.make(VOLUME_CLAIM, {"spec": spec}))

    def losing_a_node(self, given: Arguments) -> Mapping[str, Value]:
        return self._run(given, lambda run: run.make(NODE, {"spec": {"unschedulable": True}}))

    def restore(self, state: Mapping[str, Value]) -> None:
        """Delete what the fault has made."""
        cluster = self.clusters.cluster(str(state["cluster"]))
        for kind, name in json.loads(str(state["made"])):
            try:
                cluster.delete(KINDS[kind], str(state["namespace"]), name)
            except ObjectUnknown:
                continue

    def _serve(self, run: "_Run", given: Arguments) -> None:
        run.make(DEPLOYMENT, self._deployment(given))
        ports = [{"name": "http", "port": _PORT, "protocol": "TCP", "targetPort": "http"}]
        run.make(SERVICE, {"spec": {"selector": {"app": str(given["name"])}, "ports": ports}})
        run.await_ready()

    def _rolled_out(self, given: Arguments, **changed: Any) -> Mapping[str, Value]:
        def break_it(run: "_Run") -> None:
            run.make(DEPLOYMENT, self._deployment(given))
            run.await_ready()
            spec = {"template": {"spec": {"containers": [{"name": "main", **changed}]}}}
            run.patch(DEPLOYMENT, Patch({"spec": spec}, "strategic"))

        return self._run(given, break_it)

    def _made(self, given: Arguments, **container: Any) -> Mapping[str, Value]:
        manifest = self._deployment(given, **container)
        return self._run(given, lambda run: run.make(DEPLOYMENT, manifest))

    def _deployment(self, given: Arguments, **container: Any) -> Object:
        labels = {"app": str(given["name"])}
        main = {
            "name": "main",
            "image": self.clusters.settings.drill_image,
            "ports": [{"name": "http", "containerPort": _PORT, "protocol": "TCP"}],
            **container,
        }
        template = {"metadata": {"labels": labels}, "spec": {"containers": [main]}}
        return {"spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}}

    def _run(self, given: Arguments, break_it: Callable[["_Run"], None]) -> Mapping[str, Value]:
        cluster = self.clusters.cluster()
        namespace = next(iter(self.clusters.settings.namespaces), "")
        run = _Run(cluster, namespace, str(given["name"]), self._pause)
        try:
            break_it(run)
        except BaseException:
            self.restore(run.state())
            raise
        return run.state()


@dataclass
class _Run:
    """Makes and changes the objects of one fault."""

    cluster: Cluster
    namespace: str
    name: str
    pause: threading.Event
    made: list[tuple[str, str]] = field(default_factory=list)

    def state(self) -> Mapping[str, Value]:
        """Return what `restore` needs."""
        return {
            "cluster": self.cluster.label,
            "namespace": self.namespace,
            "made": json.dumps(self.made[::-1]),
        }

    def make(self, kind: ObjectKind, manifest: Object) -> None:
        """Make an object; raises `ChangeRefused` when another of that name is there."""
        self._refuse_others(kind)
        meta: dict[str, Any] = {"name": self.name, "labels": _OWN}
        if kind.namespaced:
            meta["namespace"] = self.namespace
        self.made.append((kind.name.lower(), self.name))
        self.cluster.apply(kind, {**manifest, "metadata": meta}, force=True)

    def patch(self, kind: ObjectKind, patch: Patch) -> None:
        """Change an object that was made before."""
        self.cluster.patch(kind, self.namespace, self.name, patch)

    def await_ready(self) -> None:
        """Wait until the Deployment is ready; raises `KubernetesTimeout`."""
        for _ in range(round(_READY_SECONDS / 0.5)):
            found = self.cluster.get(DEPLOYMENT, self.namespace, self.name)
            if (found.get("status") or {}).get("readyReplicas", 0) == found["spec"]["replicas"]:
                return
            self.pause.wait(0.5)
        raise KubernetesTimeout(
            f"The drill's Deployment {self.name} was not ready after {_READY_SECONDS:g} s.",
            hint="`kubernetes.drill_image` names an image that the cluster can pull.",
        )

    def _refuse_others(self, kind: ObjectKind) -> None:
        try:
            found = self.cluster.get(kind, self.namespace, self.name)
        except ObjectUnknown:
            return
        if (found["metadata"].get("labels") or {}).items() >= _OWN.items():
            return
        raise ChangeRefused(
            f"{kind.name} {self.name} is there already, and no drill has made it.",
            hint="Drill in a namespace of its own: put it first in `kubernetes.namespaces`.",
        )
