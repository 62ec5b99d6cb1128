"""The real Prometheus and amtool: Debian's packages, fetched when they are missing."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from trimtab.infra.child_process import ChildProcess

FETCHED = Path(__file__).parents[2] / ".venv" / "prometheus"


PACKAGES = {
    "amtool": "prometheus-alertmanager",
    "etcd": "etcd-server",
    "kubectl": "kubernetes-client",
    "prometheus-alertmanager": "prometheus-alertmanager",
}


def tool(name: str) -> str:
    """Return the path of a tool of Prometheus or Alertmanager; skip the test when this machine cannot get them."""
    path = shutil.which(name)
    if path is not None:
        return path
    fetched = _folder(PACKAGES.get(name, "prometheus")) / "usr" / "bin" / name
    if not fetched.exists():
        pytest.skip(
            "Prometheus is not installed, and this machine has no apt-get to fetch it with."
        )
    return str(fetched)


def fetch_if_missing(name: str = "prometheus") -> None:
    """Download the tool's Debian package and unpack it beside the environment, unless the tool is there already.

    It is unpacked, not installed: that needs no root, and installing it would start a server.
    """
    package = PACKAGES.get(name, "prometheus")
    folder = _folder(package)
    can_fetch = shutil.which("apt-get") and shutil.which("dpkg-deb")
    if shutil.which(name) or folder.exists() or not can_fetch:
        return
    _say(f"{name} is missing: fetching Debian's package {package} into {folder} for the tests.")
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        directory = Path(temporary)
        directory.chmod(0o755)
        download = ["apt-get", "download", package]
        if _run(download, directory) != 0:
            as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
            _say("Refreshing apt's package lists first.")
            _run([*as_root, "apt-get", "update"], directory)
            assert _run(download, directory) == 0, f"apt-get cannot download the package {package}"
        (archive,) = directory.glob(f"{package}_*.deb")
        assert _run(["dpkg-deb", "-x", str(archive), str(directory / "root")], directory) == 0
        with contextlib.suppress(OSError):  # Another test process was faster.
            (directory / "root").rename(folder)


def free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _folder(package: str) -> Path:
    return FETCHED.with_name(package)


def _run(command: list[str], directory: Path) -> int:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.run(command, cwd=directory, check=False, timeout=600, **quiet).returncode


def _say(text: str) -> None:
    sys.stderr.write(f"\n{text}\n")


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
    port = free_port()
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
        child = ChildProcess(command, stdout=log, stderr=log, cwd=directory)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, child.process)
        with httpx.Client(base_url=url, timeout=30) as client:
            yield Server(url, client)
    finally:
        child.kill()


def _wait_until_ready(url: str, process: subprocess.Popen) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/-/ready").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("Prometheus did not start; its log is in the test's directory")
