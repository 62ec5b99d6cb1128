"""A node whose pods fail as those of a real kubelet do, for a control plane whose own nodes run everything they are given.

It runs nothing: from what a pod asks for it writes the status that a kubelet would report. On a user's own cluster
(`KUBECONFIG`) it is not needed.
"""

import contextlib
import itertools
import threading

from lightkube import ApiError, Client, KubeConfig
from lightkube.core.exceptions import LoadResourceError
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import ConfigMap, Node, Pod
from lightkube.types import PatchType

from trimtab.kernel.clock import SystemClock

NAME = "stand-in"
SMALLEST_MEMORY = ("1Mi", "2Mi", "4Mi")
"""Limits with which no container starts."""


class StandInKubelet:
    """Reports the pods of one node until it is closed; other nodes take no pods meanwhile.

    Args:
        kubeconfig: Of the cluster.
        port: Where the API server reaches what runs commands in its pods; None for nothing.
    """

    def __init__(self, kubeconfig, port=None):
        self._port = port
        self._client = Client(config=KubeConfig.from_file(str(kubeconfig)), trust_env=False)
        self._ending = threading.Event()
        self._addresses = itertools.count()
        self._cordoned = [
            node.metadata.name
            for node in self._client.list(Node)
            if node.metadata.name != NAME and not node.spec.unschedulable
        ]
        self._cordon(on=True)
        self._register()
        self._thread = threading.Thread(target=self._run, name="stand-in kubelet")
        self._thread.start()

    def close(self):
        self._ending.set()
        self._thread.join()
        self._cordon(on=False)
        self._client.delete(Node, NAME)
        self._client.close()

    def _cordon(self, *, on):
        for name in self._cordoned:
            self._client.patch(Node, name, {"spec": {"unschedulable": on}})

    def _register(self):
        meta = {"name": NAME, "labels": {"kubernetes.io/hostname": NAME}}
        self._client.apply(Node.from_dict({"kind": "Node", "metadata": meta}), field_manager=NAME)
        self._lease()

    def _lease(self):
        now = SystemClock().now()
        spec = LeaseSpec(holderIdentity=NAME, leaseDurationSeconds=40, renewTime=now)
        lease = Lease(metadata=ObjectMeta(name=NAME, namespace="kube-node-lease"), spec=spec)
        with contextlib.suppress(ApiError):
            self._client.apply(lease, field_manager=NAME, force=True)
        room = {"cpu": "8", "memory": "32Gi", "pods": "200"}
        stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "lastHeartbeatTime": stamp,
        }
        status = {"capacity": room, "allocatable": room, "conditions": [ready]}
        if self._port:
            status["addresses"] = [{"type": "InternalIP", "address": "127.0.0.1"}]
            status["daemonEndpoints"] = {"kubeletEndpoint": {"Port": self._port}}
        self._client.patch(Node.Status, NAME, {"status": status}, patch_type=PatchType.MERGE)

    def _run(self):
        rounds = 0
        while not self._ending.wait(0.3):
            # The server ends some calls while it is busy; the next round makes them again.
            with contextlib.suppress(ApiError, LoadResourceError):
                if rounds % 10 == 0:
                    self._lease()
                for pod in self._client.list(Pod, namespace="*", fields={"spec.nodeName": NAME}):
                    self._report(pod)
            rounds += 1

    def _report(self, pod):
        name, namespace = pod.metadata.name, pod.metadata.namespace
        if pod.metadata.deletionTimestamp:
            self._client.delete(Pod, name, namespace=namespace, grace_period=0)
            return
        states = [self._container(pod, each) for each in pod.spec.containers]
        ready = all(each["ready"] for each in states)
        before = pod.status
        if before.conditions and any(
            each.type == "Ready" and (each.status == "True") == ready for each in before.conditions
        ):
            return
        conditions = [{"type": kind, "status": str(ready)} for kind in ("Ready", "ContainersReady")]
        status = {
            "phase": "Running" if ready else "Pending",
            # No loopback address: a service would not take it as an endpoint.
            "podIP": f"10.1.1.{next(self._addresses) % 250 + 1}",
            "conditions": [*conditions, {"type": "PodScheduled", "status": "True"}],
            "containerStatuses": states,
        }
        self._client.patch(Pod.Status, name, {"status": status}, namespace=namespace)

    def _container(self, pod, container):
        limits = (container.resources.limits if container.resources else None) or {}
        reason, last = "", {}
        if "invalid/" in container.image:
            reason = "ImagePullBackOff"
        elif any(self._is_missing(pod, each) for each in container.envFrom or ()):
            reason = "CreateContainerConfigError"
        elif limits.get("memory") in SMALLEST_MEMORY:
            reason = "CrashLoopBackOff"
            last = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
        elif any("no-such-program" in word for word in container.command or ()):
            reason = "CrashLoopBackOff"
            last = {"terminated": {"reason": "StartError", "exitCode": 128}}
        state = {"waiting": {"reason": reason}} if reason else {"running": {}}
        return {
            "name": container.name,
            "image": container.image,
            "imageID": "",
            "ready": not reason,
            "restartCount": 3 if last else 0,
            "state": state,
            "lastState": last,
        }

    def _is_missing(self, pod, source):
        if source.configMapRef is None:
            return False
        try:
            self._client.get(ConfigMap, source.configMapRef.name, namespace=pod.metadata.namespace)
        except ApiError:
            return True
        return False
