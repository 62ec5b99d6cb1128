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
