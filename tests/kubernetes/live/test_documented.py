"""The commands of the operations documents, with their names and numbers, on a real control plane."""

import pytest

from trimtab.kernel.errors import InvalidInput
from trimtab.kubernetes.cluster import (
    NETWORK_POLICY,
    SERVICE,
    STATEFUL_SET,
    STORAGE_CLASS,
    VOLUME_CLAIM,
    ObjectKind,
)
from trimtab.kubernetes.errors import KubernetesTimeout, ObjectUnknown

VOLUME = ObjectKind("PersistentVolume", "", "persistentvolumes", namespaced=False)
TARGETS = (
    ("api-gateway", 10),
    ("ai-orchestrator", 8),
    ("earnings-analyzer", 5),
    ("sentiment-analyzer", 5),
    ("risk-predictor", 5),
    ("guardrail-engine", 5),
    ("human-review-system", 3),
    ("feedback-processor", 2),
    ("knowledgebeast", 5),
)


@pytest.mark.feature("F176", "F177", "F182", "F183", "F184", "F246", "F272", "F273")
def test_deployments_are_scaled_to_the_documented_replicas(world):
    for name, _ in TARGETS:
        world.deploy(name, replicas=1)
    for name, replicas in TARGETS:
        world.run("k8s.scale", f"scale-{name}", name=name, replicas=replicas)
    for name, replicas in TARGETS:
        done = world.run("k8s.wait", "wait", name=name, seconds=60)
        assert done.facts == {"ready": True}
        assert world.get("deployment", name)["status"]["readyReplicas"] == replicas


@pytest.mark.feature("F203", "F204")
def test_the_models_are_scaled_to_three_and_back(world):
    for name in ("earnings-analyzer", "sentiment-analyzer"):
        world.deploy(name, replicas=1)
        done = world.run("k8s.scale", "act", name=name, replicas=3)
        world.wait_ready(name, 3)
        world.undo("k8s.scale", "act", done)
        world.wait_ready(name, 1)


@pytest.mark.feature("F224", "F225")
def test_the_stateful_sets_are_restarted_and_scaled(world):
    for name in ("postgresql", "postgresql-replica"):
        world.deploy(name, replicas=1, kind=STATEFUL_SET)
        world.wait_ready(name, 1, "statefulset")
    before = world.get("pod", "postgresql-0")["metadata"]["uid"]
    world.run("k8s.restart_stateful", "act", name="postgresql")
    world.wait(lambda: uid(world, "postgresql-0") not in ("", before))
    world.run("k8s.scale", "act", name="postgresql-replica", kind="statefulset", replicas=2)
    world.wait_ready("postgresql-replica", 2, "statefulset")


def uid(world, pod):
    try:
        return world.get("pod", pod)["metadata"]["uid"]
    except ObjectUnknown:
        return ""


@pytest.mark.feature("F195", "F217", "F262", "F287", "F540")
def test_pods_are_listed_by_label_with_their_state(world):
    world.deploy("chromadb")
    world.deploy("stuck", replicas=1, resources={"requests": {"cpu": "100000"}})
    world.wait_ready("chromadb", 2)
    world.wait(lambda: world.pods("stuck"))
    shown = world.dry_run("k8s.pods", selector="app=chromadb").facts["pods"]
    assert {(each["phase"], each["ready"]) for each in shown} == {("Running", True)}
    assert sorted(each["name"] for each in shown) == sorted(world.pods("chromadb"))
    failing = world.dry_run("k8s.pods", failing=True)
    assert [each["name"] for each in failing.facts["pods"]] == world.pods("stuck")
    assert failing.summary.startswith("3 pods")
    assert "1 of them not ready" in failing.summary
    with pytest.raises(InvalidInput, match="not a label"):
        world.dry_run("k8s.pods", selector="chromadb")


def test_waiting_ends_when_it_is_ready_or_the_time_is_over(world):
    world.deploy("chromadb")
    world.wait_ready("chromadb", 2)
    world.run("k8s.restart", "act", name="chromadb")
    assert world.run("k8s.wait", "wait", name="chromadb", seconds=60).facts == {"ready": True}
    world.deploy("stuck", replicas=1, resources={"requests": {"cpu": "100000"}})
    with pytest.raises(KubernetesTimeout, match="0 ready"):
        world.run("k8s.wait", "wait", name="stuck", seconds=1)


@pytest.mark.feature("F207")
def test_models_get_memory_and_one_graphics_card_and_it_is_put_back(world):
    world.deploy("earnings-analyzer", replicas=1, resources={"limits": {"memory": "2Gi"}})
    given = {
        "memory_limit": "8Gi",
        "memory_request": "4Gi",
        "gpu_limit": "1",
        "gpu_request": "1",
    }
    done = world.run("k8s.set_resources", "act", name="earnings-analyzer", **given)
    assert resources(world) == {
        "limits": {"memory": "8Gi", "nvidia.com/gpu": "1"},
        "requests": {"memory": "4Gi", "nvidia.com/gpu": "1"},
    }
    world.undo("k8s.set_resources", "act", done)
    assert resources(world)["limits"] == {"memory": "2Gi"}
    assert not resources(world).get("requests")


def resources(world):
    spec = world.get("deployment", "earnings-analyzer")["spec"]["template"]["spec"]
    return spec["containers"][0]["resources"]


@pytest.mark.feature("F712")
def test_the_service_is_stopped_for_a_check_and_started_at_three(world):
    world.deploy("knowledgebeast", replicas=2)
    world.wait_ready("knowledgebeast", 2)
    world.run("k8s.stop", "stop", name="knowledgebeast")
    world.wait(lambda: not world.pods("knowledgebeast"))
    world.run("k8s.scale", "start", name="knowledgebeast", replicas=3)
    world.wait_ready("knowledgebeast", 3)


@pytest.mark.feature("F546", "F636")
@pytest.mark.parametrize(
    ("claim", "before", "after"),
    [("chromadb-data", "100Gi", "200Gi"), ("knowledgebeast-data", "500Gi", "1000Gi")],
)
def test_a_bound_volume_is_requested_to_grow(world, claim, before, after):
    name = f"{world.namespace}-{claim}"
    manifest = {"metadata": {"name": name}, "provisioner": "example.com/none"}
    world.cluster.apply(STORAGE_CLASS, {**manifest, "allowVolumeExpansion": True})
    spec = {
        "capacity": {"storage": before},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": name,
        "hostPath": {"path": f"/tmp/{name}"},
    }
    world.cluster.apply(VOLUME, {"metadata": {"name": name}, "spec": spec})
    try:
        spec = {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": name,
            "resources": {"requests": {"storage": before}},
        }
        world.apply(VOLUME_CLAIM, claim, spec=spec)
        world.wait(lambda: world.read("k8s.volumes.bound", name=claim) == 1.0)
        world.run("k8s.grow_volume", "act", name=claim, size=after)
        found = world.get("persistentvolumeclaim", claim)
        assert found["spec"]["resources"]["requests"]["storage"] == after
        assert world.read("k8s.volumes.bound", name=claim) == 1.0
    finally:
        world.cluster.delete(VOLUME, "", name)
        world.cluster.delete(STORAGE_CLASS, "", name)


MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: chromadb, namespace: production}
spec:
  selector: {app: chromadb}
  ports: [{name: http, port: 8000, protocol: TCP, targetPort: 8000}]
"""


@pytest.mark.feature("F545")
def test_a_service_is_made_again_from_its_manifest(manifests):
    world = manifests
    assert "would be made" in world.dry_run("k8s.apply", name="chromadb").summary
    with pytest.raises(ObjectUnknown):
        world.get("service", "chromadb")
    world.run("k8s.apply", "act", name="chromadb")
    assert world.get("service", "chromadb")["spec"]["selector"] == {"app": "chromadb"}
    assert not world.run("k8s.apply", "again", name="chromadb").changes
    ports = [{"port": 8000, "protocol": "TCP"}]
    world.apply(SERVICE, "chromadb", spec={"selector": {"app": "wrong"}, "ports": ports})
    tried = world.dry_run("k8s.apply", name="chromadb")
    assert "spec.selector.app: wrong -> chromadb" in tried.facts["difference"]
    world.run("k8s.apply", "act", name="chromadb")
    assert world.get("service", "chromadb")["spec"]["selector"] == {"app": "chromadb"}


@pytest.fixture
def manifests(world, tmp_path):
    (tmp_path / "chromadb-service.yaml").write_text(MANIFEST)
    (tmp_path / "other-service.yaml").write_text(MANIFEST)
    (tmp_path / "list-service.yaml").write_text("[]")
    (tmp_path / "bad-service.yaml").write_text("a: [")
    made = type(world)(world.settings.kubeconfig, world.namespace, manifests=str(tmp_path))
    yield made
    made.disconnect()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("other", "describes 'chromadb', not 'other'"),
        ("list", "does not describe one Service"),
        ("bad", "is not YAML"),
        ("../chromadb", "is not the name of an object"),
        ("none", "no manifest none-service.yaml"),
    ],
)
def test_a_manifest_that_is_none_is_told(manifests, name, problem):
    with pytest.raises((InvalidInput, ObjectUnknown), match=problem):
        manifests.dry_run("k8s.apply", name=name)


@pytest.mark.feature("F543")
def test_whether_a_network_policy_lets_the_port_through_is_told(world):
    def answer():
        given = {"target": "app=chromadb", "source": "app=knowledgebeast"}
        return world.dry_run("k8s.reach", **given).facts

    assert answer() == {"open": True, "policies": []}
    selected = {"podSelector": {"matchLabels": {"app": "chromadb"}}, "policyTypes": ["Ingress"]}
    world.apply(NETWORK_POLICY, "chromadb", spec=selected)
    assert answer() == {"open": False, "policies": ["chromadb"]}
    peer = {"podSelector": {"matchLabels": {"app": "knowledgebeast"}}}
    rule = {"from": [peer], "ports": [{"protocol": "TCP", "port": 8000}]}
    world.apply(NETWORK_POLICY, "chromadb", spec={**selected, "ingress": [rule]})
    assert answer() == {"open": True, "policies": ["chromadb"]}
