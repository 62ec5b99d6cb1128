"""The Compose files and what they mount: read as Compose reads them, and their parts run without an engine."""

import contextlib
import json
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest
import yaml

from tests.app.test_dashboards import WRITTEN, prometheus
from tests.monitoring.real_prometheus import fetch_if_missing, free_port
from tests.processes import command, data_dir, models, run, serve, start, with_models  # noqa: F401 - fixtures.
from trimtab.infra.settings import load

ROOT = Path(__file__).parents[2]
MAIN = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
MONITORING = yaml.safe_load((ROOT / "docker-compose.monitoring.yaml").read_text())
PIPELINE = MAIN["services"]["pipeline"]
pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.


def ports(found):
    """Return the ports of this machine that the services are reached by, each on loopback only."""
    listed = [port for each in found["services"].values() for port in each.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in listed)
    return {tuple(map(int, port.split(":")[1:])) for port in listed}


def mounted(found):
    """Return the files of the repository that are mounted, and where."""
    listed = [each for service in found["services"].values() for each in service.get("volumes", ())]
    return {line.split(":")[0]: line.split(":")[1] for line in listed if line.startswith("./")}


@pytest.mark.feature("F495", "F497")
def test_the_main_file_has_the_services_and_the_volume_of_the_documents():
    assert MAIN["name"] == "enterprise-pipeline"
    assert {"pipeline", "qdrant", "redis"} == set(MAIN["services"])
    assert ports(MAIN) == {(8000, 8000), (6333, 6333)}
    volumes = {name: each["name"] for name, each in MAIN["volumes"].items()}
    assert volumes["qdrant_data"] == "enterprise-pipeline_qdrant_data"
    assert "qdrant_data:/qdrant/storage" in MAIN["services"]["qdrant"]["volumes"]
    assert PIPELINE["image"] == "${PIPELINE_IMAGE:-knowledgebeast}:${PIPELINE_TAG:-latest}"
    assert (ROOT / PIPELINE["build"]["dockerfile"]).is_file()
    for found in (MAIN, MONITORING):
        used = [
            line.split(":")[0]
            for service in found["services"].values()
            for line in service.get("volumes", ())
        ]
        assert {name for name in used if not name.startswith("./")} == set(found["volumes"])
        assert [path for path in mounted(found) if not (ROOT / path).exists()] == []


@pytest.mark.feature("F496", "F401")
def test_the_monitoring_file_has_grafana_on_both_ports_and_prometheus():
    assert {"grafana", "prometheus"} == set(MONITORING["services"])
    assert ports(MONITORING) == {(3000, 3000), (3001, 3000), (9090, 9090)}
    assert MONITORING["networks"]["default"] == {**MAIN["networks"]["default"], "external": True}
    mounts = mounted(MONITORING)
    provider = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/dashboards/trimtab.yaml").read_text()
    )
    folder = provider["providers"][0]["options"]["path"]
    assert mounts["./deploy/grafana/dashboards"] == folder
    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    source = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml").read_text()
    )["datasources"][0]
    (name,) = {source["url"].strip("${}")} & set(MONITORING["services"]["grafana"]["environment"])
    address = MONITORING["services"]["grafana"]["environment"][name]
    assert address == "http://prometheus:9090"
    rows = [each for each in WRITTEN["trimtab-answers"]["panels"] if each["type"] == "row"]
    assert len(rows) == 5


@pytest.mark.feature("F498")
def test_the_mounted_configuration_is_the_one_that_the_service_reads():
    words = PIPELINE["command"]
    inside = words[words.index("--config") + 1]
    assert mounted(MAIN)["./pipeline_config.yaml"] == inside
    settings = load(ROOT / "pipeline_config.yaml", {}, PIPELINE["environment"])
    assert settings.service.log_profile == "lower"
    assert settings.knowledge.qdrant_url == "http://qdrant:6333"
    assert settings.knowledge.engine == "qdrant"
    assert settings.service.host == "0.0.0.0"


def test_the_health_check_is_a_command_that_succeeds_on_a_sound_service(serve, tmp_path):  # noqa: F811
    url = serve().url
    kind, program, *words = PIPELINE["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "trimtab")
    words[words.index("--url") + 1] = url
    done = run(tmp_path / "other", *words)
    assert done.code == 0, done.err


@pytest.mark.feature("F483", "F484")
def test_a_configuration_is_rolled_back_by_git_and_a_restart(tmp_path, models):  # noqa: F811
    file = tmp_path / "pipeline_config.yaml"

    def git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    def in_force():
        key = (service.data_dir / "admin.key").read_text().strip()
        found = httpx.get(f"{service.url}/v1/settings", headers={"X-API-Key": key}).json()
        (row,) = [each for each in found["settings"] if each["name"] == "answers.cache_entries"]
        return row["value"]

    git("init", "--quiet")
    file.write_text("answers:\n  cache_entries: 11\n")
    git("add", file.name)
    git("commit", "--quiet", "--message", "good")
    port = free_port()
    service = start(
        with_models(tmp_path / "data", models),
        "--config",
        str(file),
        "--set",
        f"service.port={port}",
    )
    try:
        assert in_force() == 11
        file.write_text("answers:\n  cache_entries: 99\n")
        git("commit", "--quiet", "--all", "--message", "bad")
        assert run(service.data_dir, "restart", "--yes").code == 0
        assert in_force() == 99
        git("checkout", "HEAD~1", "--", file.name)
        assert run(service.data_dir, "restart", "--yes").code == 0
        assert in_force() == 11
    finally:
        service.stop()


@pytest.mark.feature("F409")
def test_prometheus_lists_the_firing_alerts_of_our_rules(tmp_path):
    fetch_if_missing("prometheus")
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    (pattern,) = config["rule_files"]
    mounts = {**mounted(MONITORING)}
    assert mounts["./deploy/prometheus/prometheus.yml"] == "/etc/prometheus/prometheus.yml"
    assert pattern == f"{mounts['./rules']}/*.yml"
    rules = tmp_path / "rules"
    rules.mkdir()
    for source in (ROOT / "rules").glob("*.yml"):
        found = yaml.safe_load(source.read_text())
        for group in found["groups"]:
            for rule in group["rules"]:
                rule.pop("for", None)  # The test does not wait for minutes.
        (rules / source.name).write_text(json.dumps(found))
    config["rule_files"] = [str(rules / "*.yml")]
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    assert config["scrape_configs"][0]["static_configs"] == [{"targets": ["pipeline:8000"]}]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{free_port()}"]}]
    pause, end = threading.Event(), time.monotonic() + 500
    with prometheus(tmp_path, config) as client:
        while "PlatformDown" not in firing(client):
            assert time.monotonic() < end
            pause.wait(0.2)


def firing(client):
    with contextlib.suppress(httpx.TransportError):
        reply = client.get("/api/v1/alerts")
        if reply.status_code == 200:
            return [
                each["labels"]["alertname"]
                for each in reply.json()["data"]["alerts"]
                if each["state"] == "firing"
            ]
    return []
