import signal
import stat

import httpx
import pytest


def test_status_without_a_running_service_checks_in_this_process(trimtab):
    done = trimtab("status", "--json")
    assert done.code == 0
    assert done.json["components"]["database"]["status"] == "up"


def test_status_talks_to_the_running_service_over_its_socket(trimtab, serve):
    serve()
    done = trimtab("status")
    assert "is up" in done.out
    assert "no service is running" not in done.out


def test_status_talks_to_an_address_with_a_key(trimtab, serve, tmp_path):
    service = serve()
    key = (tmp_path / "data" / "admin.key").read_text().strip()
    done = trimtab("--url", service.url, "keys", "list", "--json", TRIMTAB_API_KEY=key)
    assert [entry["name"] for entry in done.json["keys"]] == ["admin"]


def test_an_address_that_nobody_answers_says_what_to_do(trimtab):
    done = trimtab("--url", "http://127.0.0.1:9", "status")
    assert done.code == 6
    assert "trimtab serve" in done.err
    assert "Traceback" not in done.err


def test_the_control_socket_belongs_to_the_user_alone(serve, tmp_path):
    serve()
    mode = (tmp_path / "data" / "control.sock").stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert mode & 0o777 == 0o600


def test_a_second_service_on_the_directory_is_refused(command, serve):
    serve()
    done = command("--set", "service.port=0", "serve")
    assert done.code == 3
    assert "in use" in done.err


def test_a_taken_port_names_another_one(command, serve, tmp_path):
    port = serve().url.rpartition(":")[2]
    done = command("--data-dir", str(tmp_path / "other"), "--set", f"service.port={port}", "serve")
    assert done.code == 2
    assert f"service.port={int(port) + 1}" in done.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_service_cleanly(serve, tmp_path, number):
    service = serve()
    service.process.send_signal(number)
    assert service.process.wait(20) == 0
    assert not (tmp_path / "data" / "control.sock").exists()
    assert "Traceback" not in "".join(service.said)


def test_after_a_kill_the_socket_file_that_was_left_does_not_matter(trimtab, serve):
    service = serve()
    service.process.kill()
    service.process.wait(20)
    assert trimtab("status", "--json").json["status"] == "up"
    serve()
    assert trimtab("status").code == 0


def test_faults_are_never_on_the_network(serve):
    service = serve("--set", "service.drills=true")
    assert httpx.get(f"{service.url}/v1/faults").status_code == 404
    assert httpx.post(f"{service.url}/v1/faults/x/inject", json={}).status_code == 404


def test_faults_are_on_the_socket_in_drills_only(trimtab, serve):
    service = serve()
    refused = trimtab("fault", "--list")
    assert refused.code == 4
    assert "service.drills" in refused.err
    service.stop()
    serve("--set", "service.drills=true")
    assert trimtab("fault", "--list", "--json").code == 0


def test_a_data_directory_with_a_long_path_has_a_short_socket(serve, trimtab, tmp_path):
    deep = tmp_path / ("d" * 90)
    serve("--data-dir", str(deep))
    done = trimtab("--data-dir", str(deep), "status")
    assert "no service is running" not in done.out
