"""The service under another ASGI server, with one worker and with several."""

import re
import socket
import subprocess
import sys
import time

import httpx
import pytest

from tests.processes import clean_environment


def start_uvicorn(folder, workers, **environment):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--factory", "trimtab.app.asgi:create", "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=clean_environment(TRIMTAB_SERVICE_DATA_DIR=str(folder / "data"), **environment),
    )
    return process, f"http://127.0.0.1:{port}"


def wait_until_served(process, url):
    until = time.monotonic() + 100
    while time.monotonic() < until and process.poll() is None:
        try:
            return httpx.get(f"{url}/health", timeout=5)
        except httpx.TransportError:
            time.sleep(0.2)
    process.kill()
    raise AssertionError(process.communicate()[0])


def test_one_worker_serves_and_ends_in_order(tmp_path):
    process, url = start_uvicorn(tmp_path, 1)
    health = wait_until_served(process, url)
    me = httpx.get(f"{url}/v1/me", timeout=30)
    process.terminate()
    said = process.communicate(timeout=60)[0]
    assert health.json()["components"]["database"]["status"] == "up"
    assert me.json()["role"] == "reader"
    assert "Application shutdown complete" in said


def test_a_second_worker_on_sqlite_is_refused_with_the_reason(tmp_path):
    process, _ = start_uvicorn(tmp_path, 2)
    said = process.communicate(timeout=110)[0]
    assert process.returncode is not None
    assert "is in use by another trimtab process" in said
    assert re.search(r"PostgreSQL only: set `service\.database_url`, or\s+start one worker", said)


@pytest.mark.parametrize("roles", ["api-gateway"])
def test_a_wrong_setting_ends_the_worker_with_the_next_step(tmp_path, roles):
    process, _ = start_uvicorn(tmp_path, 1, TRIMTAB_SERVICE_ROLES=roles)
    said = process.communicate(timeout=100)[0]
    assert "'api-gateway' is not a role" in said
    assert "Choose from: all, answers" in said


@pytest.mark.feature("F488")
@pytest.mark.timeout(300)
def test_two_workers_on_postgresql_answer_as_one_service(tmp_path, cluster):
    server = cluster.create()
    database = {
        "TRIMTAB_SERVICE_DATABASE_URL": server.url,
        "TRIMTAB_SERVICE_ALLOW_UNSAFE_DATABASE": "true",
    }
    process, url = start_uvicorn(tmp_path, 2, **database)
    try:
        wait_until_served(process, url)
        key = (tmp_path / "data" / "admin.key").read_text().strip()
        with httpx.Client(base_url=url, headers={"X-API-Key": key}, timeout=60) as client:
            assert processes_of(client) == 2
            assert client.post("/v1/keys", json={"name": "new"}).status_code == 201
            # Each call is on a connection of its own, so that both workers are asked.
            names = [names_seen(url, key) for _ in range(10)]
            assert names == [True] * 10
    finally:
        process.terminate()
        said = process.communicate(timeout=60)[0]
    assert "Traceback" not in said


def processes_of(client):
    until = time.monotonic() + 100
    while True:
        live = [each for each in client.get("/api/v1/fleet").json()["processes"] if each["is_live"]]
        if len(live) == 2 or time.monotonic() > until:
            return len(live)
        time.sleep(0.5)


def names_seen(url, key):
    keys = httpx.get(f"{url}/v1/keys", headers={"X-API-Key": key}, timeout=60).json()["keys"]
    return "new" in [each["name"] for each in keys]
