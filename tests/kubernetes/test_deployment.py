"""The manifests of `deploy/kubernetes`: their names, their settings and their defaults."""

import json
import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from trimtab.cli.main import app
from trimtab.guardrails.rules import LiveRules
from trimtab.infra.settings import Settings, load
from trimtab.infra.settings.table import rows
from trimtab.kernel.errors import InvalidInput
from trimtab.kubernetes.deployment import COMPONENTS, Deployment, cluster_access, render

ROOT = Path(__file__).parents[2]
EVERYTHING = render(Deployment(tuple(COMPONENTS)))


def manifest(kind, name, found=None):
    (one,) = [
        each
        for each in (EVERYTHING if found is None else found)
        if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    return one


def pod(each):
    spec = each["spec"]
    return spec.get("jobTemplate", {}).get("spec", spec)["template"]["spec"]


PODS = {
    f"{each['kind']} {each['metadata']['name']}": pod(each)
    for each in EVERYTHING
    if each["kind"] in ("Deployment", "CronJob")
}
MAIN = manifest("Deployment", "knowledgebeast")["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.feature("F751", "F753")
def test_objects_have_the_names_of_the_documents():
    names = {(each["kind"], each["metadata"]["name"]) for each in EVERYTHING}
    assert {("Deployment", "knowledgebeast"), ("Deployment", "chromadb")} <= names
    sizes = {
        name: manifest("PersistentVolumeClaim", name)["spec"]["resources"]["requests"]["storage"]
        for name in ("chromadb-data", "knowledgebeast-data")
    }
    assert sizes == {"chromadb-data": "200Gi", "knowledgebeast-data": "500Gi"}
    spaces = {each["metadata"].get("namespace") for each in EVERYTHING}
    assert spaces == {"production", None}
    for name in ("chromadb", "knowledgebeast"):
        labels = manifest("Deployment", name)["spec"]["template"]["metadata"]["labels"]
        assert labels == manifest("Service", name)["spec"]["selector"] == {"app": name}
        assert manifest("Service", name)["spec"]["ports"][0]["port"] == 8000


@pytest.mark.feature("F748", "F749")
def test_the_files_that_the_documents_name_are_there():
    folder = ROOT / "deployments" / "kubernetes"
    service = yaml.safe_load((folder / "chromadb-service.yaml").read_text())
    assert service == manifest("Service", "chromadb")
    cleanup = yaml.safe_load((folder / "cleanup-cronjob.yaml").read_text())
    assert cleanup == manifest("CronJob", "disk-cleanup")
    assert cleanup["spec"]["schedule"] == "0 2 * * *"
    assert pod(cleanup)["containers"][0]["name"] == "cleanup"


def test_the_regular_jobs_have_the_times_of_the_documents():
    schedules = {
        each["metadata"]["name"]: each["spec"]["schedule"]
        for each in EVERYTHING
        if each["kind"] == "CronJob"
    }
    assert schedules == {
        "db-backup": "0 * * * *",
        "disk-cleanup": "0 2 * * *",
        "db-integrity-check": "*/30 * * * *",
        "cache-warmer": "0 */6 * * *",
        "six-hour-restart": "0 */6 * * *",
    }


@pytest.mark.parametrize("name", PODS)
def test_no_pod_has_more_rights_than_it_needs(name):
    spec = PODS[name]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    account = spec.get("serviceAccountName")
    assert account == "knowledgebeast" or spec["automountServiceAccountToken"] is False
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert not [volume for volume in spec.get("volumes", ()) if "hostPath" in volume]


def test_a_token_is_mounted_only_for_cluster_access():
    plain = render(Deployment())
    assert (
        manifest("ServiceAccount", "knowledgebeast", plain)["automountServiceAccountToken"] is False
    )
    assert not [each for each in plain if "Role" in each["kind"]]
    settings = manifest("ConfigMap", "knowledgebeast-settings", plain)["data"]
    assert "TRIMTAB_KUBERNETES_ENABLED" not in settings
    assert manifest("ServiceAccount", "knowledgebeast")["automountServiceAccountToken"] is True
    settings = manifest("ConfigMap", "knowledgebeast-settings")["data"]
    assert settings["TRIMTAB_KUBERNETES_ENABLED"] == "true"


def test_the_monitor_finds_the_service_under_the_name_that_the_rules_have():
    monitor, service = (manifest(kind, "knowledgebeast") for kind in ("ServiceMonitor", "Service"))
    labels = service["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    job = labels[monitor["spec"]["jobLabel"]]
    assert f'up{{job="{job}"}}' in (ROOT / "rules" / "platform.yml").read_text()
    (port,) = service["spec"]["ports"]
    assert [each["port"] for each in monitor["spec"]["endpoints"]] == [port["name"]]


def test_the_role_is_the_one_that_the_actions_need():
    written = yaml.safe_load_all((ROOT / "deploy/kubernetes/cluster-access/role.yaml").read_text())
    assert list(written) == cluster_access(), "run `make manifests`"


def environment():
    """Return the environment of the process in its container, without what the pod itself tells."""
    settings = manifest("ConfigMap", "knowledgebeast-settings")["data"]
    given = {}
    for each in MAIN["env"]:
        source = each["valueFrom"]
        if key := source.get("configMapKeyRef"):
            given[each["name"]] = manifest("ConfigMap", key["name"])["data"][key["key"]]
        else:
            assert source == {"fieldRef": {"fieldPath": "metadata.namespace"}}
            given[each["name"]] = "production"
    return {**settings, **given}


def test_every_variable_of_the_container_is_a_setting_and_has_its_value():
    settings = load(None, {}, environment())
    known = {variable for row in rows(Settings) for variable in row.env}
    assert set(environment()) <= known
    assert settings.service.host == "0.0.0.0"
    assert settings.kubernetes.namespaces == ("production",)
    assert settings.service.rate_limit_per_minute == 100
    assert settings.service.maintenance_mode is False
    assert settings.knowledge.chroma_url == "http://chromadb:8000"
    mounts = [each["mountPath"] for each in MAIN["volumeMounts"]]
    assert Path(settings.service.data_dir).parent == Path("/data")
    assert "/data" in mounts
    for folder, names in (
        (settings.guardrails.rules_file, ("guardrail-rules", "guardrail-config")),
        (settings.models.config_dir, ("cache-config", "model-config")),
    ):
        assert {f"{folder}/{name}" for name in names} <= set(mounts)


def test_the_limits_of_the_container_are_those_of_the_settings():
    limit = MAIN["resources"]["limits"]["memory"]
    assert limit == "8Gi"
    assert load(None, {}, {}).knowledge.memory_limit_mb == 8 * 1024


def test_the_values_of_the_config_maps_are_understood():
    from trimtab.models.config_files import _parsed

    rules = manifest("ConfigMap", "guardrail-rules")["data"]
    LiveRules().change(rules, ())
    values = _parsed(
        {name: manifest("ConfigMap", name)["data"] for name in ("cache-config", "model-config")}
    )
    assert (values.ttl_seconds, values.fallback_enabled) == (3600, True)
    assert values.max_bytes == 1024**3


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"components": ("redis",)}, "redis"),
        ({"namespace": "No_Name"}, "No_Name"),
        ({"namespace": "a" * 64}, "aaa"),
        ({"image": "two words"}, "two words"),
        ({"image": ""}, "''"),
    ],
)
def test_what_cannot_be_rendered_is_refused(wrong, word):
    with pytest.raises(InvalidInput, match=re.escape(word)):
        Deployment(**wrong)


def test_image_namespace_and_end_date_are_replaced_everywhere():
    wanted = Deployment(tuple(COMPONENTS), "hybrid-ai", "registry.example/kb:2", date(2027, 2, 1))
    made = render(wanted)
    text = json.dumps(made)
    assert "production" not in text
    assert "knowledgebeast:latest" not in text
    assert (
        manifest("RoleBinding", "knowledgebeast", made)["subjects"][0]["namespace"] == "hybrid-ai"
    )
    binding = manifest("ClusterRoleBinding", "knowledgebeast-hybrid-ai", made)
    assert manifest("ClusterRole", binding["roleRef"]["name"], made)
    restart = pod(manifest("CronJob", "six-hour-restart", made))["containers"][0]
    assert restart["args"] == ["restart", "--yes", "--until", "2027-02-01"]
    assert manifest("Deployment", "chromadb", made)["spec"]["template"]["spec"]["containers"][0][
        "image"
    ].startswith("chromadb/chroma:")


def test_the_command_prints_what_kubectl_reads():
    printed = CliRunner().invoke(app, ["kubernetes", "manifests", "--include", "chromadb"])
    assert printed.exit_code == 0
    assert list(yaml.safe_load_all(printed.stdout)) == render(Deployment(("chromadb",)))
