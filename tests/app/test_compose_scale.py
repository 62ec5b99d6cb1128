"""Several processes under Compose: read as Compose reads the file, each command against the command line."""

import re
from pathlib import Path

import pytest
import yaml

from trimtab.api.application import _ROUTERS
from trimtab.app.roles import _STARTED_BY, ProcessRole, Roles
from trimtab.cli.main import app as commands
from trimtab.infra.settings import load

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy"
SCALE = yaml.safe_load((FOLDER / "compose.scale.yaml").read_text())
SERVICES = SCALE["services"]
OURS = "${PIPELINE_IMAGE:-knowledgebeast}:"
PROCESSES = {name: each for name, each in SERVICES.items() if each["image"].startswith(OURS)}


def roles_of(each):
    words = each["command"]
    return Roles(words[words.index("--roles") + 1].split(","))


def nginx_locations():
    """Return the patterns of nginx's locations in their order, and the process of each."""
    text = (FOLDER / "scale" / "nginx.conf").read_text()
    found = re.findall(r"location (~ )?(\S+) \{\s+set \$process (\S+);\s+proxy_pass (\S+);", text)
    assert {address for *_, address in found} == {"http://$process:8000"}
    exact = [(re.compile(pattern), process) for tilde, pattern, process, _ in found if tilde]
    return [*exact, (re.compile("^/"), found[-1][2])]


def process_of(path):
    return next(process for pattern, process in nginx_locations() if pattern.search(path))


def test_there_are_three_processes_and_what_they_share():
    assert set(PROCESSES) == {"api-gateway", "ai-orchestrator", "knowledgebeast"}
    others = {"proxy", "postgresql", "valkey", "prometheus", "grafana"}
    assert set(SERVICES) == others | set(PROCESSES)
    assert "pgvector" in SERVICES["postgresql"]["image"]


def test_the_roles_of_the_processes_cover_all_work():
    roles = frozenset[ProcessRole]().union(*(roles_of(each).names for each in PROCESSES.values()))
    assert all(
        roles & needed or needed == {ProcessRole.EMBEDDING} for needed in _STARTED_BY.values()
    )


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_each_command_and_setting_is_one_of_ours(name):
    environment = {
        key: re.sub(r"\$\{POSTGRES_PASSWORD:\?[^}]+\}", "secret", value)
        for key, value in PROCESSES[name]["environment"].items()
    }
    known = load(flags={}, environment=environment).service
    assert known.database_url == "postgresql://trimtab:secret@postgresql:5432/trimtab"
    assert known.valkey_url == "valkey://valkey:6379/0"
    assert known.trusted_proxies == (SERVICES["proxy"]["networks"]["default"]["ipv4_address"],)
    assert sum(key.startswith("TRIMTAB_SERVICE_") for key in environment) == len(environment)
    serve, *options = PROCESSES[name]["command"]
    (command,) = [each for each in commands.registered_commands if each.name == serve] or [None]
    assert serve == "serve"
    assert options[0] == "--roles"
    assert command is None or command.callback


def test_the_health_check_asks_the_port_that_the_process_listens_on():
    for each in PROCESSES.values():
        assert "http://127.0.0.1:8000" in each["healthcheck"]["test"]
    assert load(flags={}, environment={}).service.port == 8000


def test_only_loopback_is_published_and_everything_mounted_is_there():
    published = [port for each in SERVICES.values() for port in each.get("ports", ())]
    assert sorted(port.split(":")[1] for port in published) == ["3000", "8000", "9090"]
    assert all(port.startswith("127.0.0.1:") for port in published)
    mounts = [each.split(":")[0] for one in SERVICES.values() for each in one.get("volumes", ())]
    assert all((FOLDER / path).exists() for path in mounts if path.startswith("."))
    assert {path for path in mounts if not path.startswith(".")} == set(SCALE["volumes"])


def test_prometheus_scrapes_each_process():
    config = yaml.safe_load((FOLDER / "scale" / "prometheus.yml").read_text())
    (targets,) = [each["targets"] for each in config["scrape_configs"][0]["static_configs"]]
    assert sorted(targets) == sorted(f"{name}:8000" for name in PROCESSES)


def test_the_proxy_sends_every_route_to_a_process_that_answers_it():
    refused = [
        (method, route.path, process)
        for router in _ROUTERS
        for route in router.routes
        for method in route.methods
        for process in [process_of(re.sub(r"\{[^}]+\}", "x", route.path))]
        if roles_of(PROCESSES[process]).refuse(
            {"method": method, "path": re.sub(r"\{[^}]+\}", "x", route.path)}
        )
    ]
    assert refused == []


def test_a_password_must_be_given():
    text = (FOLDER / "compose.scale.yaml").read_text()
    assert len(re.findall(r"\$\{POSTGRES_PASSWORD:\?", text)) == 2
