"""Actions on ConfigMaps, volumes, pods and nodes of a real API server, and signals of their state."""

import pytest

from trimtab.kubernetes.cluster import (
    CONFIG_MAP,
    INGRESS,
    NODE,
    POD,
    SERVICE,
    STORAGE_CLASS,
    VOLUME_CLAIM,
    ObjectKind,
)
from trimtab.kubernetes.errors import ChangeRefused, ObjectChanged

BUDGET = ObjectKind("PodDisruptionBudget", "policy", "poddisruptionbudgets", ("v1", "v1beta1"))

PORTS = [{"port": 80, "protocol": "TCP"}]


def test_a_key_of_a_config_map_is_set_and_put_back_and_its_users_are_named(world):
    world.apply(CONFIG_MAP, "cache-config", data={"ttl": "3600"})
    world.deploy("gateway", envFrom=[{"configMapRef": {"name": "cache-config"}}])
    world.deploy("other")
    tried = world.dry_run("k8s.patch_configmap", name="cache-config", key="ttl", value="60")
    assert tried.facts == {
        "difference": ["data.ttl: 3600 -> 60"],
        "warnings": ["Restart to apply it: Deployment gateway."],
    }
    done = world.run("k8s.patch_configmap", "a", name="cache-config", key="ttl", value="60")
    assert world.get("configmap", "cache-config")["data"] == {"ttl": "60"}
    world.undo("k8s.patch_configmap", "a", done)
    added = world.run("k8s.patch_configmap", "b", name="cache-config", key="max", value="1")
    assert world.get("configmap", "cache-config")["data"] == {"ttl": "3600", "max": "1"}
    world.undo("k8s.patch_configmap", "b", added)
    assert world.get("configmap", "cache-config")["data"] == {"ttl": "3600"}


def claim(world, name, class_name):
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": class_name,
        "resources": {"requests": {"storage": "100Gi"}},
    }
    world.apply(VOLUME_CLAIM, name, spec=spec)


def storage_class(world, name, *, grows):
    world.cluster.apply(
        STORAGE_CLASS,
        {
            "kind": "StorageClass",
            "metadata": {"name": name},
            "provisioner": "example.com/none",
            "allowVolumeExpansion": grows,
        },
    )


def test_a_volume_grows_only_where_its_class_lets_it(world):
    storage_class(world, "grows", grows=True)
    storage_class(world, "fixed", grows=False)
    claim(world, "chromadb-data", "grows")
    claim(world, "other-data", "fixed")
    with pytest.raises(ChangeRefused, match="cannot shrink to 50Gi"):
        world.dry_run("k8s.grow_volume", name="chromadb-data", size="50Gi")
    with pytest.raises(ChangeRefused, match="fixed of other-data does not allow expansion"):
        world.dry_run("k8s.grow_volume", name="other-data", size="200Gi")
    # Without a provisioner no volume is bound, and the server only lets bound ones grow.
    assert world.read("k8s.volumes.bound", name="chromadb-data") == 0.0
    with pytest.raises(ChangeRefused, match="chromadb-data"):
        world.dry_run("k8s.grow_volume", name="chromadb-data", size="200Gi")


def test_a_pod_is_evicted_and_made_again_unless_a_budget_forbids_it(world):
    world.deploy("web")
    world.wait_ready("web", 2)
    first = world.pods("web")[0]
    assert "would be evicted" in world.dry_run("k8s.delete_pod", name=first).summary
    assert first in world.pods("web")
    world.run("k8s.delete_pod", "act", name=first)
    world.wait(lambda: first not in world.pods("web") and len(world.pods("web")) == 2)
    gone = world.run("k8s.delete_pod", "act", name=first)
    assert not gone.changes
    world.wait_ready("web", 2)
    selector = {"matchLabels": {"app": "web"}}
    world.apply(BUDGET, "web", spec={"minAvailable": 2, "selector": selector})
    world.wait(lambda: "status" in world.get(BUDGET, "web") and refused(world))


def refused(world):
    try:
        world.dry_run("k8s.delete_pod", name=world.pods("web")[0])
    except ObjectChanged:
        return True
    return False


def test_a_pod_that_nothing_would_make_again_is_not_evicted(world):
    world.apply(POD, "alone", spec={"containers": [{"name": "main", "image": "a:1"}]})
    with pytest.raises(ChangeRefused, match="belongs to no controller"):
        world.run("k8s.delete_pod", "act", name="alone")
    assert world.get("pod", "alone")["metadata"]["name"] == "alone"


def test_a_node_is_closed_and_opened(world):
    node = world.cluster.find_all(NODE)[0]["metadata"]["name"]
    done = world.run("k8s.cordon", f"act-{world.namespace}", name=node)
    assert world.read("k8s.nodes.open", name=node) == 0.0
    world.undo("k8s.cordon", f"act-{world.namespace}", done)
    assert world.read("k8s.nodes.open", name=node) == 1.0
    assert world.read("k8s.nodes.ready", name=node) == 1.0


def test_signals_follow_the_state_of_the_namespace(world):
    assert world.read("k8s.up") == 1.0
    assert world.read("k8s.replicas.ready", name="web") is None
    world.deploy("web", replicas=3)
    world.apply(SERVICE, "web", spec={"selector": {"app": "web"}, "ports": PORTS})
    world.wait_ready("web", 3)
    assert world.read("k8s.replicas.ready", name="web", kind="deployment") == 3.0
    assert world.read("k8s.replicas.desired", name="web") == 3.0
    assert world.read("k8s.pods", phase="Running") == 3.0
    world.wait(lambda: world.read("k8s.endpoints.ready", name="web") == 3.0)
    world.run("k8s.stop", "act", name="web")
    world.wait(lambda: world.read("k8s.endpoints.ready", name="web") == 0.0)
    assert world.read("k8s.replicas.desired", name="web") == 0.0


def test_events_of_an_object_are_shown_without_values_of_variables(world):
    world.deploy("web", env=[{"name": "A", "value": "tr0ub4dor"}])
    world.wait_ready("web", 2)
    shown = world.dry_run("k8s.describe", name="web", kind="deployment")
    assert any("ScalingReplicaSet" in line for line in shown.facts["events"])
    assert '"readyReplicas": 2' in shown.facts["state"]
    assert "tr0ub4dor" not in str(shown)


def ingress(world, name, **annotations):
    backend = {"service": {"name": name, "port": {"number": 80}}}
    manifest = {"metadata": {"name": name, "namespace": world.namespace}}
    manifest["metadata"]["annotations"] = annotations
    world.cluster.apply(INGRESS, {**manifest, "spec": {"defaultBackend": backend}}, force=True)


@pytest.mark.feature("F621")
def test_a_new_release_gets_one_percent_first_and_is_withdrawn(world):
    prefix = "nginx.ingress.kubernetes.io/canary"
    ingress(world, "web")
    with pytest.raises(ChangeRefused, match="is not a canary"):
        world.dry_run("k8s.canary_weight", name="web")
    ingress(world, "web-new", **{prefix: "true", f"{prefix}-weight": "0"})

    def share():
        return world.get("ingress", "web-new")["metadata"]["annotations"][f"{prefix}-weight"]

    done = world.run("k8s.canary_weight", "act", name="web-new")
    assert share() == "1"
    assert world.run("k8s.canary_weight", "more", name="web-new", percent=100).changes
    assert share() == "100"
    world.undo("k8s.canary_weight", "act", done)
    assert share() == "0"
