"""The running service and the ways to reach it; one service is shared by all tests that only look."""

import signal
import stat

import httpx
import pytest

from tests.processes import run, start, with_models
from trimtab.infra.control_socket import control_path

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.


@pytest.fixture(scope="module")
def service(tmp_path_factory, models):
    running = start(
        with_models(tmp_path_factory.mktemp("shared") / "data", models),
        *("--set", "service.drills=true"),
    )
    yield running
    running.stop()


@pytest.fixture
def shared(service):
    """Return the data directory of the shared service."""
    return service.data_dir


def test_status_without_a_running_service_checks_in_this_process(trimtab):
    done = trimtab("status", "--json")
    assert done.code == 0
    assert done.json["components"]["embedding_model"]["status"] == "up"


def test_status_talks_to_the_running_service_over_its_socket(trimtab, shared):
    done = trimtab("--data-dir", str(shared), "status")
    assert "is up" in done.out
    assert "no service is running" not in done.out


def test_status_talks_to_an_address_with_a_key(trimtab, service, shared):
    key = (shared / "admin.key").read_text().strip()
    done = trimtab("--url", service.url, "keys", "list", "--json", TRIMTAB_API_KEY=key)
    assert [entry["name"] for entry in done.json["keys"]] == ["admin"]


def test_an_address_that_nobody_answers_says_what_to_do(trimtab):
    done = trimtab("--url", "http://127.0.0.1:9", "status")
    assert done.code == 6
    assert "trimtab serve" in done.err


def test_the_control_socket_belongs_to_the_user_alone(shared):
    mode = control_path(shared).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert mode & 0o777 == 0o600


@pytest.mark.usefixtures("service")
def test_a_second_service_on_the_directory_is_refused(shared):
    done = run(shared, "--set", "service.port=0", "serve")
    assert done.code == 3
    assert "in use" in done.err


def test_a_taken_port_names_another_one(command, service):
    port = service.url.rpartition(":")[2]
    done = command("--set", f"service.port={port}", "serve")
    assert done.code == 2
    assert f"service.port={int(port) + 1}" in done.err


@pytest.mark.parametrize("path", ["/v1/faults", "/v1/drills/proofs"])
def test_faults_and_drills_are_never_on_the_network(service, path):
    assert httpx.get(f"{service.url}{path}").status_code == 404


def test_faults_are_on_the_socket_in_drills(trimtab, shared):
    done = trimtab("--data-dir", str(shared), "fault", "--list", "--json")
    assert "knowledge.embedding.remove_model" in {f["name"] for f in done.json["faults"]}


def test_a_fault_is_injected_once_and_restored_once(trimtab, shared):
    here = ("--data-dir", str(shared))
    name = "knowledge.embedding.unload_model"
    assert trimtab(*here, "fault", name, "--restore").code == 3
    assert trimtab(*here, "fault", name).code == 0
    assert trimtab(*here, "fault", name).code == 3
    assert trimtab(*here, "fault", name, "--restore").code == 0


def test_faults_are_nowhere_without_drills(trimtab):
    refused = trimtab("fault", "--list")
    assert refused.code == 4
    assert "service.drills" in refused.err


def test_a_service_with_a_long_path_is_reached_and_ends_cleanly_on_ctrl_c(tmp_path, models):
    deep = with_models(tmp_path / ("d" * 90) / "data", models)
    service = start(deep)
    done = run(deep, "status")
    assert service.stop(signal.SIGINT) == 0
    assert "no service is running" not in done.out
    assert "Traceback" not in "".join(service.said)


def test_after_a_kill_the_socket_file_that_was_left_does_not_matter(serve, trimtab, data_dir):
    serve().stop(signal.SIGKILL)
    assert control_path(data_dir).exists()
    assert trimtab("status", "--json").json["status"] == "up"
    again = serve()
    assert httpx.get(f"{again.url}/health").json()["status"] == "up"
    assert again.stop() == 0
    assert not control_path(data_dir).exists()
