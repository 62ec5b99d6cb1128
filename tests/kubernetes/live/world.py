"""The adapter in one namespace of a real control plane."""

import time

from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.operable import ActionContext, Catalog, check_arguments
from trimtab.kubernetes.cluster import DEPLOYMENT, KINDS, NAMESPACE, POD, Cluster, ObjectKind
from trimtab.kubernetes.cluster_state import ClusterStates
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.errors import KubernetesUnavailable, VerbForbidden
from trimtab.kubernetes.manifests import manifest_actions
from trimtab.kubernetes.object_actions import object_actions
from trimtab.kubernetes.pod_commands import pod_command_actions
from trimtab.kubernetes.pod_reads import pod_read_actions
from trimtab.kubernetes.reads import read_actions
from trimtab.kubernetes.signals import signals
from trimtab.kubernetes.targets import Targets
from trimtab.kubernetes.workload_actions import workload_actions

REVIEW = ObjectKind(
    "SubjectAccessReview", "authorization.k8s.io", "subjectaccessreviews", namespaced=False
)


class World:
    def __init__(self, kubeconfig, namespace, **changed):
        self.namespace = namespace
        self.settings = KubernetesSettings(
            enabled=True, kubeconfig=str(kubeconfig), namespaces=(namespace,), **changed
        )
        self.clusters = Clusters(self.settings)
        self.cluster = Cluster("", self.settings)
        targets = Targets(self.clusters)
        self.states = ClusterStates(self.clusters, SystemClock())
        self.catalog = Catalog(
            signals(self.states),
            (
                *workload_actions(targets, SystemClock()),
                *object_actions(targets),
                *read_actions(targets),
                *manifest_actions(targets),
                *pod_read_actions(targets, SystemClock()),
                *pod_command_actions(targets),
            ),
        )

    def close(self):
        self.cluster.delete(NAMESPACE, "", self.namespace)
        self.disconnect()

    def disconnect(self):
        self.cluster.close()
        self.clusters.close()

    def create_namespace(self):
        self.cluster.apply(NAMESPACE, {"kind": "Namespace", "metadata": {"name": self.namespace}})
        # Old servers refuse pods until the service account has its token.
        self.wait(self._takes_pods)

    def _takes_pods(self):
        pod = {
            "kind": "Pod",
            "metadata": {"name": "tried", "namespace": self.namespace},
            "spec": {"containers": [{"name": "main", "image": "a:1"}]},
        }
        try:
            return self.cluster.apply(POD, pod, dry_run=True)
        except (KubernetesUnavailable, VerbForbidden):
            return False

    def apply(self, kind, name, **parts):
        return self.cluster.apply(
            kind,
            {"kind": kind.name, "metadata": {"name": name, "namespace": self.namespace}, **parts},
        )

    def deploy(self, name, image="web:1", replicas=2, kind=DEPLOYMENT, **container):
        labels = {"app": name}
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": image, **container}]},
            },
        }
        if kind is not DEPLOYMENT:
            spec["serviceName"] = name
        return self.apply(kind, name, spec=spec)

    def get(self, kind, name):
        return self.cluster.get(KINDS.get(kind, kind), self.namespace, name)

    def run(self, action, key, /, **given):
        found = self.catalog.action(action)
        return found.run(check_arguments(found.params, given), ActionContext(key, "test"))

    def dry_run(self, action, /, **given):
        found = self.catalog.action(action)
        return found.dry_run(check_arguments(found.params, given), ActionContext("dry", "test"))

    def undo(self, action, key, done):
        return self.catalog.action(action).undo(done.undo_arguments, ActionContext(key, "test"))

    def read(self, signal, **labels):
        """Return the value of a signal after a new look at the cluster; None when there is none."""
        self.states.refresh()
        found = [
            sample.value
            for sample in self.catalog.signal(signal).read()
            if labels.items() <= sample.labels.items()
        ]
        assert len(found) <= 1, found
        return found[0] if found else None

    def allows(self, account, attributes):
        """Ask the server whether a service account of this namespace may do something."""
        body = self.cluster._resource(REVIEW).from_dict(
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "metadata": {},
                "spec": {
                    "resourceAttributes": attributes,
                    "user": f"system:serviceaccount:{self.namespace}:{account}",
                },
            }
        )
        return self.cluster.client().create(body).to_dict()["status"]["allowed"]

    def wait(self, condition, seconds=60):
        """Wait for the controllers of the cluster."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the controllers did not do it"
            time.sleep(0.2)

    def wait_ready(self, name, replicas, kind="deployment"):
        self.wait(
            lambda: (self.get(kind, name).get("status") or {}).get("readyReplicas", 0) == replicas
        )

    def pods(self, name):
        return [
            each["metadata"]["name"]
            for each in self.cluster.find_all(POD, self.namespace, {"app": name})
            if "deletionTimestamp" not in each["metadata"]
        ]
