"""The manifests of several processes: a Deployment for each workload of the documents."""

from pathlib import Path

import pytest
import yaml

from trimtab.app.roles import _STARTED_BY, ProcessRole, Roles
from trimtab.infra.settings import Settings, load
from trimtab.infra.settings.table import rows
from trimtab.kubernetes.deployment import COMPONENTS, Deployment, render
from trimtab.kubernetes.scale import WORKLOADS, scale_manifests

ROOT = Path(__file__).parents[2]
MONITOR = ROOT / "deploy" / "kubernetes" / "service-monitor" / "service-monitor.yaml"
SCALE = render(Deployment(namespace="hybrid-ai", scale=True))
NAMED = {(each["kind"], each["metadata"]["name"]): each for each in SCALE}
DOCUMENTED = {
    "api-gateway",
    "ai-orchestrator",
    "earnings-analyzer",
    "sentiment-analyzer",
    "risk-predictor",
    "guardrail-engine",
    "human-review-system",
    "notification-service",
    "feedback-processor",
    "model-service",
    "embedding-service",
    "knowledgebeast",
}


def container(name):
    (found,) = NAMED["Deployment", name]["spec"]["template"]["spec"]["containers"]
    return found


def roles_of(name):
    words = container(name)["args"]
    return Roles(words[words.index("--roles") + 1].split(","))


@pytest.mark.feature("F312")
def test_every_workload_of_the_documents_is_a_deployment_with_a_service():
    for name in DOCUMENTED:
        labels = NAMED["Deployment", name]["spec"]["template"]["metadata"]["labels"]
        assert NAMED["Service", name]["spec"]["selector"].items() <= labels.items()
        assert NAMED["Deployment", name]["metadata"]["namespace"] == "hybrid-ai"


@pytest.mark.feature("F314")
def test_every_config_map_of_the_documents_is_there():
    found = {name for kind, name in NAMED if kind == "ConfigMap"}
    assert {
        "rate-limit-config",
        "cache-config",
        "postgres-config",
        "model-config",
        "pgbouncer-config",
        "guardrail-rules",
        "guardrail-config",
        "system-config",
    } <= found
    assert NAMED["ConfigMap", "postgres-config"]["data"]["max_connections"] == "200"
    words = NAMED["StatefulSet", "postgresql"]["spec"]["template"]["spec"]["containers"][0]
    assert "max_connections=$(MAX_CONNECTIONS)" in words["args"]
    source = {each["name"]: each["valueFrom"] for each in words["env"] if "valueFrom" in each}
    assert source["MAX_CONNECTIONS"]["configMapKeyRef"]["name"] == "postgres-config"


@pytest.mark.feature("F313")
def test_the_database_and_its_replica_are_stateful_sets_with_the_same_server_settings():
    for name in ("postgresql", "postgresql-replica"):
        found = NAMED["StatefulSet", name]
        (server,) = found["spec"]["template"]["spec"]["containers"]
        assert found["spec"]["serviceName"] == NAMED["Service", name]["metadata"]["name"]
        assert NAMED["Service", name]["spec"]["selector"] == {"app": name}
        # A standby does not start with a lower max_connections than its primary has.
        assert "max_connections=$(MAX_CONNECTIONS)" in server["args"]
    replica = NAMED["StatefulSet", "postgresql-replica"]["spec"]["template"]["spec"]
    (copy,) = replica["initContainers"]
    assert {each["name"]: each.get("value") for each in copy["env"]}["PGHOST"] == "postgresql"


@pytest.mark.feature("F315")
def test_everything_is_in_the_namespace_of_the_documents_and_trimtab_may_act_there():
    found = render(Deployment(tuple(COMPONENTS), "hybrid-ai", scale=True))
    names = {each["kind"]: each["metadata"]["name"] for each in found}
    for each in found:
        if each["kind"].startswith("Cluster"):
            assert names[each["kind"]] == "knowledgebeast-hybrid-ai"
        else:
            assert each["metadata"]["namespace"] == "hybrid-ai"
        assert {one["namespace"] for one in each.get("subjects", ())} <= {"hybrid-ai"}
    assert "hybrid-ai" in load(flags={}, environment={}).kubernetes.namespaces


@pytest.mark.feature("F561")
def test_pods_that_hold_the_index_are_in_several_zones_and_one_stays_when_a_node_is_drained():
    workload = NAMED["Deployment", "knowledgebeast"]["spec"]
    assert workload["replicas"] >= 2
    spread = workload["template"]["spec"]["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in spread} == {
        *("topology.kubernetes.io/zone", "kubernetes.io/hostname"),
    }
    for each in spread:
        assert each["labelSelector"] == workload["selector"]
    assert NAMED["PodDisruptionBudget", "knowledgebeast"]["spec"]["maxUnavailable"] == 1


def test_the_monitor_of_the_operator_selects_the_service_of_every_workload():
    (monitor,) = yaml.safe_load_all(MONITOR.read_text(encoding="utf-8"))
    wanted = monitor["spec"]["selector"]["matchLabels"]
    for each in WORKLOADS:
        labels = NAMED["Service", each.name]["metadata"]["labels"]
        assert wanted.items() <= labels.items()
        assert labels[monitor["spec"]["jobLabel"]] == "trimtab"


@pytest.mark.feature("F670")
def test_several_pods_hold_the_embedding_model():
    assert NAMED["Deployment", "embedding-service"]["spec"]["replicas"] >= 2
    assert NAMED["Deployment", "ai-orchestrator"]["spec"]["replicas"] >= 2
    rolling = NAMED["Deployment", "ai-orchestrator"]["spec"]["strategy"]["rollingUpdate"]
    assert rolling["maxUnavailable"] == 0
    budget = NAMED["PodDisruptionBudget", "ai-orchestrator"]["spec"]
    assert budget["maxUnavailable"] == 1


def test_the_roles_of_all_workloads_cover_all_work():
    roles = frozenset[ProcessRole]().union(*(roles_of(each.name).names for each in WORKLOADS))
    assert all(roles & needed for needed in _STARTED_BY.values())


def test_the_service_of_the_embedding_model_has_the_port_that_runbooks_ask():
    (port,) = NAMED["Service", "embedding-service"]["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (5000, "http")
    assert container("embedding-service")["args"] == ["serve", "--roles", "embedding"]


def test_the_pods_read_settings_that_exist():
    known = {name for row in rows(Settings) for name in row.env}
    data = NAMED["ConfigMap", "knowledgebeast-settings"]["data"]
    assert set(data) <= known
    assert load(flags={}, environment=data).service.valkey_url == "valkey://redis:6379/0"
    for each in WORKLOADS:
        names = {one["name"] for one in container(each.name)["env"]} - {"POD_IP"}
        assert {name for name in names if not name.startswith("TRIMTAB_")} == set()
        assert names <= known


def test_each_autoscaler_has_its_deployment_and_room_to_grow():
    for (kind, name), each in NAMED.items():
        if kind == "HorizontalPodAutoscaler":
            assert each["spec"]["scaleTargetRef"]["name"] == name
            assert each["spec"]["minReplicas"] == NAMED["Deployment", name]["spec"]["replicas"]
            assert each["spec"]["maxReplicas"] > each["spec"]["minReplicas"]
    assert NAMED["HorizontalPodAutoscaler", "api-gateway"]["spec"]["maxReplicas"] == 10
    assert NAMED["HorizontalPodAutoscaler", "knowledgebeast"]["spec"]["maxReplicas"] == 5


def test_no_secret_is_in_the_manifests():
    assert "Secret" not in {kind for kind, _ in NAMED}
    text = (ROOT / "deploy/kubernetes/scale/processes.yaml").read_text()
    assert "postgresql://" not in text


def test_the_files_are_written_from_the_one_process():
    text = (ROOT / "deploy/kubernetes/scale/processes.yaml").read_text()
    assert list(yaml.safe_load_all(text)) == scale_manifests(render(Deployment()))
