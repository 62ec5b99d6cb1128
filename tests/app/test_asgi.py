"""The service under another ASGI server, with one worker and with several."""

import re
import socket
import subprocess
import sys
import time

import httpx
import pytest

from tests.processes import clean_environment

LOG = "uvicorn.log"
KEY = "workers-admin-key-0123456789abcdef"


def start_uvicorn(folder, workers, **environment):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--factory", "trimtab.app.asgi:create", "--port", str(port), "--workers", str(workers)]
    # Into a file: a pipe that nobody reads would stop the workers once their log has filled it.
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *words],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=clean_environment(TRIMTAB_SERVICE_DATA_DIR=str(folder / "data"), **environment),
        )
    return process, f"http://127.0.0.1:{port}"


def ended(process, folder, seconds=110):
    """Wait until it ends; return what it has written."""
    process.wait(timeout=seconds)
    return (folder / LOG).read_text(encoding="utf-8", errors="replace")


def wait_until_served(process, url):
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        try:
            return httpx.get(f"{url}/health", timeout=5)
        except httpx.TransportError:
            time.sleep(0.2)
    process.kill()
    raise AssertionError("it does not serve: its log is in the folder of the test")


def test_one_worker_serves_and_ends_in_order(tmp_path):
    process, url = start_uvicorn(tmp_path, 1)
    health = wait_until_served(process, url)
    me = httpx.get(f"{url}/v1/me", timeout=30)
    process.terminate()
    said = ended(process, tmp_path)
    assert health.json()["components"]["database"]["status"] == "up"
    assert me.json()["role"] == "reader"
    assert "Application shutdown complete" in said


def clients_of_workers(url):
    """Return a client for each of the two workers: a connection stays with the worker that took it."""
    found, until = {}, time.monotonic() + 120
    while len(found) < 2 and time.monotonic() < until:
        client = httpx.Client(base_url=url, headers={"authorization": f"Bearer {KEY}"}, timeout=60)
        process_id = client.get("/api/v1/fleet").raise_for_status().json()["process_id"]
        if found.setdefault(process_id, client) is not client:
            client.close()
    return list(found.values())


@pytest.mark.timeout(900)
@pytest.mark.feature("F488")
def test_two_workers_on_postgresql_answer_and_each_sees_what_the_other_changes(tmp_path, postgres):
    process, url = start_uvicorn(
        tmp_path,
        2,
        TRIMTAB_SERVICE_DATABASE_URL=postgres.server().url,
        TRIMTAB_SERVICE_ALLOW_UNSAFE_DATABASE="true",
        TRIMTAB_TRUST_API_KEY_ROLES=f"{KEY}:admin",
    )
    try:
        wait_until_served(process, url)
        one, other = clients_of_workers(url)
        note = {"project": "pumps", "name": "pump.txt", "text": "The pump starts at 7 bar."}
        made = one.post("/api/v1/ingest", json=note).raise_for_status().json()
        asked = {"q": "pump bar"}
        for client in (other, one, other):  # The last one from its cache.
            found = client.get("/api/v1/search/pumps", params=asked).raise_for_status().json()
            assert [passage["document_name"] for passage in found["passages"]] == ["pump.txt"]
        assert found["cache_hit"]
        path = f"/api/v1/projects/pumps/documents/{made['document_id']}"
        one.delete(path).raise_for_status()
        found = other.get("/api/v1/search/pumps", params=asked).raise_for_status().json()
        assert found["passages"] == []
        for client in (one, other):
            client.close()
    finally:
        process.terminate()
        said = ended(process, tmp_path)
    assert said.count("Application shutdown complete") == 2


@pytest.mark.feature("F488")
def test_a_second_worker_on_sqlite_is_refused_with_the_reason(tmp_path):
    process, _ = start_uvicorn(tmp_path, 2)
    said = ended(process, tmp_path)
    assert process.returncode is not None
    assert "is in use by another trimtab process" in said
    assert re.search(r"PostgreSQL only: set `service\.database_url`, or\s+start one worker", said)


@pytest.mark.parametrize("roles", ["api-gateway"])
def test_a_wrong_setting_ends_the_worker_with_the_next_step(tmp_path, roles):
    process, _ = start_uvicorn(tmp_path, 1, TRIMTAB_SERVICE_ROLES=roles)
    said = ended(process, tmp_path)
    assert "'api-gateway' is not a role" in said
    assert "Choose from: all, answers" in said
