"""The running service and the ways to reach it; one service is shared by all tests that only look."""

import signal
import stat
import subprocess

import httpx
import pytest

from tests.processes import (
    COMMAND,
    Service,
    clean_environment,
    run,
    run_in,
    start,
    with_models,
)
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


def test_status_without_a_running_service_exits_6_and_creates_nothing(trimtab, tmp_path):
    absent = tmp_path / "absent"
    done = trimtab("--data-dir", str(absent), "status", "--json")
    assert (done.code, done.json["error"]["code"]) == (6, "cli.no_service")
    assert "trimtab serve" in done.json["error"]["hint"]
    assert not absent.exists()


@pytest.mark.parametrize("words", [("documents", "list", "p"), ("ask", "p", "why?"), ("alerts",)])
def test_commands_that_only_read_create_no_data_directory(trimtab, tmp_path, words):
    absent = tmp_path / "absent"
    done = trimtab("--data-dir", str(absent), *words)
    assert done.code == 6
    assert str(absent) in done.err
    assert not absent.exists()


def test_commands_find_the_only_running_service_from_any_folder(models, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    first = start(with_models(tmp_path / "first", models))
    try:
        found = run_in(elsewhere, "status", "--json")
        assert (found.code, found.json["status"]) == (0, "up")
        second = start(with_models(tmp_path / "second", models))
        try:
            many = run_in(elsewhere, "status", "--json")
            assert (many.code, many.json["error"]["code"]) == (2, "cli.several_services")
        finally:
            second.stop(signal.SIGKILL)
        assert run_in(elsewhere, "status").code == 0
    finally:
        assert first.stop() == 0
    assert run_in(elsewhere, "status").code == 6
    assert list(elsewhere.iterdir()) == []


def test_serve_takes_its_settings_after_the_command(tmp_path, models):
    folder = with_models(tmp_path / "named", models)
    words = ("serve", "--port", "0", "--host", "127.0.0.1", "--data-dir", folder)
    process = subprocess.Popen(
        [COMMAND, *words, "--set", "service.log_level=WARNING"],
        stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=clean_environment(),
    )  # fmt: skip
    served = Service(process, folder)
    assert run(folder, "settings", "--json").code == 0
    assert httpx.get(f"{served.url}/health").status_code == 200
    assert served.stop() == 0
    assert not any('"level": "info"' in line for line in served.said)


def test_a_command_that_stores_something_creates_the_data_directory(trimtab, tmp_path):
    fresh = tmp_path / "fresh"
    assert trimtab("--data-dir", str(fresh), "projects", "create", "p").code == 0
    assert trimtab("--data-dir", str(fresh), "projects", "list", "--json").code == 0


def test_status_talks_to_the_running_service_over_its_socket(trimtab, shared):
    done = trimtab("--data-dir", str(shared), "status")
    assert "is up" in done.out


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
    assert f"--port {int(port) + 1}" in done.err


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
    assert "is up" in done.out
    assert "Traceback" not in "".join(service.said)


def test_after_a_kill_the_socket_file_that_was_left_does_not_matter(serve, trimtab, data_dir):
    serve().stop(signal.SIGKILL)
    assert control_path(data_dir).exists()
    assert trimtab("status").code == 6
    again = serve()
    assert httpx.get(f"{again.url}/health").json()["status"] == "up"
    assert again.stop() == 0
    assert not control_path(data_dir).exists()
