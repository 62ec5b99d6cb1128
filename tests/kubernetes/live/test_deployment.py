"""The manifests of `deploy/kubernetes` on a real API server: each is checked by it, then all are applied."""

import json
import re
import subprocess
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from tests.kubernetes.live import control_plane
from tests.kubernetes.live.hollow import fitted
from trimtab.kubernetes.cluster import KINDS, POD, VOLUME_CLAIM, Cluster, ObjectKind
from trimtab.kubernetes.deployment import COMPONENTS, Deployment, render
from trimtab.kubernetes.errors import ChangeRefused, KubernetesUnavailable

ROOT = Path(__file__).parents[3]
RBAC = "rbac.authorization.k8s.io"
MORE = {
    "serviceaccount": ObjectKind("ServiceAccount", "", "serviceaccounts"),
    "role": ObjectKind("Role", RBAC, "roles"),
    "rolebinding": ObjectKind("RoleBinding", RBAC, "rolebindings"),
    "clusterrole": ObjectKind("ClusterRole", RBAC, "clusterroles", namespaced=False),
    "clusterrolebinding": ObjectKind(
        "ClusterRoleBinding", RBAC, "clusterrolebindings", namespaced=False
    ),
    "poddisruptionbudget": ObjectKind(
        "PodDisruptionBudget", "policy", "poddisruptionbudgets", ("v1", "v1beta1")
    ),
    "servicemonitor": ObjectKind("ServiceMonitor", "monitoring.coreos.com", "servicemonitors"),
}
AUTOSCALER_1 = ObjectKind(
    "HorizontalPodAutoscaler", "autoscaling", "horizontalpodautoscalers", ("v1",)
)
VOLUME = ObjectKind("PersistentVolume", "", "persistentvolumes", namespaced=False)
DEFINITION = ObjectKind(
    "CustomResourceDefinition",
    "apiextensions.k8s.io",
    "customresourcedefinitions",
    namespaced=False,
)
SERVICE_MONITOR = {
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "servicemonitors.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "names": {"kind": "ServiceMonitor", "plural": "servicemonitors"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["selector", "endpoints"],
                                "properties": {
                                    "jobLabel": {"type": "string"},
                                    "selector": {
                                        "type": "object",
                                        "x-kubernetes-preserve-unknown-fields": True,
                                    },
                                    "endpoints": {
                                        "type": "array",
                                        "items": {
                                            "type": "object",
                                            "properties": {
                                                name: {"type": "string"}
                                                for name in ("port", "path", "interval")
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}
"""The part of the Prometheus operator's definition that our manifest uses."""


def kind_of(each):
    name = each["kind"].lower()
    if each["apiVersion"] == "autoscaling/v1":
        return AUTOSCALER_1
    return KINDS.get(name) or MORE[name]


@pytest.fixture
def installed(world, kubeconfig):
    """The world on a server that knows ServiceMonitors, where it may."""
    if takes_custom_resources(world) and not world.cluster.serves(MORE["servicemonitor"]):
        world.cluster.apply(DEFINITION, SERVICE_MONITOR)
        settings = world.settings

        def served():
            found = Cluster("", settings)
            try:
                return found.serves(MORE["servicemonitor"])
            finally:
                found.close()

        world.wait(served)
        world.cluster.close()
        world.cluster = Cluster("", settings)
    return world


def put(world, each, *, dry_run=False):
    """Apply an object on the server."""
    kind = kind_of(each)
    if kind.name == "ServiceMonitor" and not takes_custom_resources(world):
        schema = SERVICE_MONITOR["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        wrong = list(jsonschema_rs.validator_for(schema).iter_errors(each))
        if wrong:
            raise ChangeRefused(str(wrong[0]))
        return each
    return world.cluster.apply(kind, each, dry_run=dry_run)


def takes_custom_resources(world):
    """Return whether the server lives on after a custom resource.

    The control plane of the tests, 1.20 built with a newer Go, ends with a segmentation fault in its JSON library when
    it reads any. Of such a server the object is judged by the definition's schema here.
    """
    return "v1.policy" in world.cluster._offered_versions()


def everything(world):
    return render(Deployment(tuple(COMPONENTS), world.namespace))


def test_the_server_accepts_every_manifest_in_a_dry_run(installed):
    made = everything(installed)
    assert len(made) > 25
    for each in made:
        found = put(installed, each, dry_run=True)
        assert found["metadata"]["name"] == each["metadata"]["name"]
    left = installed.cluster.find_all(KINDS["configmap"], installed.namespace)
    assert "cache-config" not in [each["metadata"]["name"] for each in left]


def test_the_server_accepts_several_processes_in_a_dry_run(world):
    made = render(Deployment(namespace=world.namespace, scale=True))
    for each in made:
        found = put(world, each, dry_run=True)
        assert found["metadata"]["name"] == each["metadata"]["name"]
    kinds = [each["kind"] for each in made]
    assert kinds.count("Deployment") >= 13
    assert kinds.count("HorizontalPodAutoscaler") >= 9


MISTAKES = (
    ("Deployment", "knowledgebeast", lambda spec: spec.update(replica=1)),
    ("Deployment", "knowledgebeast", lambda spec: spec["selector"].update(matchLabels={"a": "b"})),
    ("CronJob", "db-backup", lambda spec: spec.update(schedule="every hour")),
    ("NetworkPolicy", "chromadb", lambda spec: spec["ingress"][0]["ports"][0].update(port=8**9)),
    ("ServiceMonitor", "knowledgebeast", lambda spec: spec.update(endpoints="http")),
)


def test_the_dry_run_refuses_mistakes(installed):
    for kind, name, change in MISTAKES:
        (each,) = [
            each
            for each in everything(installed)
            if (each["kind"], each["metadata"]["name"]) == (kind, name)
        ]
        change(each["spec"])
        with pytest.raises((ChangeRefused, KubernetesUnavailable)):
            put(installed, each, dry_run=True)


def volume(world, name, size):
    """Make a volume that only the claim of that name gets."""
    spec = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/nothing"},
        "storageClassName": "none",
        "claimRef": {"namespace": world.namespace, "name": name},
    }
    meta = {"name": f"{world.namespace}-{name}"}
    world.cluster.apply(VOLUME, {"kind": "PersistentVolume", "metadata": meta, "spec": spec})
    return meta["name"]


def allowed(world, verb, group, resource, namespace):
    """Ask the server whether the account of the pod may do it."""
    where = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
    return world.allows("knowledgebeast", where)


def test_all_are_applied_and_the_pods_run_with_bound_volumes(installed):
    world = installed
    wanted = {"knowledgebeast-data": "500Gi", "chromadb-data": "200Gi"}
    volumes = [volume(world, name, size) for name, size in wanted.items()]
    made = everything(world)
    try:
        for each in made:
            if each["kind"] == "PersistentVolumeClaim":
                # The volumes that this test makes have a class, so that no other claim takes them.
                each["spec"]["storageClassName"] = "none"
            put(world, fitted(each))
        for name in ("knowledgebeast", "chromadb"):
            world.wait_ready(name, 1)
            world.wait(
                lambda name=name: (
                    world.cluster.get(VOLUME_CLAIM, world.namespace, f"{name}-data")["status"][
                        "phase"
                    ]
                    == "Bound"
                )
            )
        (name,) = world.pods("knowledgebeast")
        pod = world.cluster.get(POD, world.namespace, name)
        mounts = [each["mountPath"] for each in pod["spec"]["containers"][0]["volumeMounts"]]
        assert "/var/run/secrets/kubernetes.io/serviceaccount" in mounts
        (name,) = world.pods("chromadb")
        mounts = world.cluster.get(POD, world.namespace, name)["spec"]["containers"][0][
            "volumeMounts"
        ]
        assert [each["mountPath"] for each in mounts] == ["/data", "/tmp"]
        assert allowed(world, "patch", "apps", "deployments", world.namespace)
        assert not allowed(world, "delete", "apps", "deployments", world.namespace)
        assert not allowed(world, "get", "", "secrets", world.namespace)
        assert not allowed(world, "patch", "apps", "deployments", "default")
        # A node may be drained: the budget lets the one pod go.
        world.run("k8s.delete_pod", "drain", name=world.pods("knowledgebeast")[0])
        world.wait_ready("knowledgebeast", 1)
    finally:
        for each in made:
            if not kind_of(each).namespaced:
                world.cluster.delete(kind_of(each), "", each["metadata"]["name"])
        for name in volumes:
            world.cluster.delete(VOLUME, "", name)


def test_without_cluster_access_the_pod_has_no_token_and_no_rights(world):
    for each in render(Deployment(namespace=world.namespace)):
        if each["kind"] == "PersistentVolumeClaim":
            continue
        if each["kind"] == "Deployment":
            # A volume that no provisioner makes would keep the pod waiting.
            volumes = each["spec"]["template"]["spec"]["volumes"]
            volumes[0] = {"name": "data", "emptyDir": {}}
        put(world, fitted(each))
    world.wait_ready("knowledgebeast", 1)
    (name,) = world.pods("knowledgebeast")
    pod = world.cluster.get(POD, world.namespace, name)
    mounts = json.dumps(pod["spec"]["containers"][0]["volumeMounts"])
    assert "serviceaccount" not in mounts
    assert not allowed(world, "get", "", "pods", world.namespace)


def test_kubectl_renders_the_same_objects():
    kubectl = control_plane._fetched("kubectl")
    said = subprocess.run(
        [kubectl, "version", "--client", "--output=json"],
        capture_output=True,
        text=True,
        check=True,
    )
    minor = int(re.sub(r"\D", "", json.loads(said.stdout)["clientVersion"]["minor"]))
    if minor < 21:
        pytest.skip("This kubectl is older than 1.21, the first that knows components.")
    for folder, components in ((".", ()), ("everything", tuple(COMPONENTS))):
        done = subprocess.run(
            [kubectl, "kustomize", ROOT / "deploy" / "kubernetes" / folder],
            capture_output=True, text=True, check=True,
        )  # fmt: skip

        def by_name(found):
            return {(each["kind"], each["metadata"]["name"]): each for each in found}

        assert by_name(yaml.safe_load_all(done.stdout)) == by_name(render(Deployment(components)))
