"""The real Prometheus, for comparison: Debian's package, installed when it is missing."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest


def tool(name: str) -> str:
    """Return the path of `prometheus` or `promtool`; install the Debian package when it is not there."""
    path = shutil.which(name)
    if path is None:
        _install()
        path = shutil.which(name)
    assert path, f"{name} is still missing after the installation of the package prometheus"
    return path


def _install() -> None:
    if shutil.which("apt-get") is None:
        pytest.skip("Prometheus is not installed, and this machine has no apt-get to install it.")
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    command = [*as_root, "apt-get", "install", "-y", "-o", "DPkg::Lock::Timeout=300", "prometheus"]
    print(f"\nInstalling Prometheus for the rules' tests: {' '.join(command)}", file=sys.__stderr__)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=600)


class Server:
    """A running server without scrapes of its own."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.url = url
        self._client = client

    def query(
        self, expression: str, at_ms: int
    ) -> list[tuple[tuple[tuple[str, str], ...], float]] | None:
        """Return sorted labels and value of each element in the server's order, or None when the query fails."""
        reply = self._client.post(
            "/api/v1/query", data={"query": expression, "time": f"{at_ms / 1000:.3f}"}
        ).json()
        if reply["status"] != "success":
            assert reply["errorType"] == "execution", reply
            return None
        data = reply["data"]
        if data["resultType"] == "scalar":
            return [((), float(data["result"][1]))]
        return [
            (tuple(sorted(element["metric"].items())), float(element["value"][1]))
            for element in data["result"]
        ]


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Server]:
    """Start a server on a free loopback port with its data in the directory; kill it at the end."""
    config = directory / "prometheus.yml"
    config.write_text("global: {}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        tool("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'tsdb'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--log.level=error",
    ]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process)
        with httpx.Client(base_url=url, timeout=30) as client:
            yield Server(url, client)
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(url: str, process: subprocess.Popen) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/-/ready").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("Prometheus did not start; its log is in the test's directory")
