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


@pytest.mark.feature("F488")
def test_one_worker_serves_and_ends_in_order(tmp_path):
    process, url = start_uvicorn(tmp_path, 1)
    health = wait_until_served(process, url)
    me = httpx.get(f"{url}/v1/me", timeout=30)
    process.terminate()
    said = process.communicate(timeout=60)[0]
    assert health.json()["components"]["database"]["status"] == "up"
    assert me.json()["role"] == "reader"
    assert "Application shutdown complete" in said


@pytest.mark.feature("F488")
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
@pytest.mark.timeout(600)
def test_two_workers_on_postgresql_share_what_one_of_them_ingests(tmp_path, postgres):
    process, url = start_uvicorn(
        tmp_path,
        2,
        TRIMTAB_SERVICE_DATABASE_URL=postgres.server().url,
        TRIMTAB_SERVICE_ALLOW_UNSAFE_DATABASE="true",
        TRIMTAB_SERVICE_RATE_LIMIT_PER_MINUTE="0",
        TRIMTAB_TRUST_API_KEY_ROLES=f"{KEY}:admin",
    )
    try:
        wait_until_served(process, url)
        answered = {look(url)["process_id"] for _ in range(200)}
        live = [each["id"] for each in look(url)["processes"] if each["is_live"]]
        call(url, "POST", "/api/v1/projects", json={"name": "p"}).raise_for_status()
        sent = {"project": "p", "name": "a.txt", "text": "The pump stands in hall seven."}
        call(url, "POST", "/api/v1/ingest", json=sent).raise_for_status()
        found = [call(url, "GET", "/api/v1/search/p?q=pump+hall").json() for _ in range(40)]
    finally:
        process.terminate()
        process.communicate(timeout=100)
    assert len(live) == 2
    assert answered == set(live), "both answer on the one port"
    assert all(each["results"] for each in found)


KEY = "asgi-admin-key-0123456789abcdef"


def call(url, method, path, **options):
    """Call on a connection of its own, which the system gives to one of the workers."""
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx.request(method, url + path, headers=headers, timeout=60, **options)


def look(url):
    return call(url, "GET", "/api/v1/fleet").json()
