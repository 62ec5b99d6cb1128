"""Podman with a storage, networks and settings of its own below one folder: nothing else on the machine is touched."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

COMPOSE = "podman-compose==1.6.0"
"""The release from the package index: Debian 12's 1.0.3 knows neither `name`, profiles nor `stop_grace_period`."""
PROGRAMS = ("podman", "runc", "conmon", "netavark", "buildah", "docker-registry", "mmdebstrap")
PACKAGES = (
    "podman runc conmon netavark aardvark-dns buildah docker-registry mmdebstrap busybox-static"
)
CONTAINERS = """\
[containers]
# Below the machine's own limits: a container of a test machine may not raise them.
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n'
REGISTRIES = '[[registry]]\nlocation = "{registry}"\ninsecure = true\n'


def missing_programs():
    """Return what this machine lacks; netavark lies outside of PATH."""
    place = f"{os.environ['PATH']}:/usr/sbin:/usr/lib/podman:/usr/libexec/podman"  # noqa: TID251
    return [name for name in PROGRAMS if shutil.which(name, path=place) is None]


class Engine:
    """Podman and podman-compose, as a user types them."""

    def __init__(self, folder: Path, registry: str):
        self.folder = folder
        (folder / "networks").mkdir(parents=True)
        for name, text in (
            ("containers", CONTAINERS),
            ("storage", STORAGE),
            ("registries", REGISTRIES),
        ):
            (folder / f"{name}.conf").write_text(text.format(folder=folder, registry=registry))
        self.environment = {
            **os.environ,  # noqa: TID251 - proxies and certificates of the machine.
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
        }
        self._compose = self._install_compose()

    def _install_compose(self):
        venv = self.folder / "compose"
        uv = Path(sys.executable).parent / "uv"
        for words in (("venv", "--quiet", venv), ("pip", "install", "--quiet", COMPOSE)):
            environment = {**self.environment, "VIRTUAL_ENV": str(venv)}
            subprocess.run([uv, *words, "--system-certs"], check=True, env=environment)
        return venv / "bin" / "podman-compose"

    def run(self, *words, check=True, seconds=600, **options):
        """Run podman; return how it ended."""
        return self._run(["podman", *words], check, seconds, options)

    def compose(self, project, *words, check=True, seconds=1500, **variables):
        """Run podman-compose in a folder."""
        options = {"cwd": project, "env": {**self.environment, **variables}}
        return self._run([self._compose, *words], check, seconds, options)

    def type(self, line, folder, check=True, seconds=1500, **variables):
        """Type a documented line of Docker, with Podman's programs in Docker's place."""
        line = line.replace("docker compose", str(self._compose)).replace("docker ", "podman ")
        options = {"cwd": folder, "env": {**self.environment, **variables}}
        return self._run(["bash", "-c", line], check, seconds, options)

    def _run(self, words, check, seconds, options):
        # The engine's monitor leaves a file in its folder when a container runs out of memory.
        options = {"env": self.environment, "cwd": self.folder, **options}
        done = subprocess.run(
            [str(word) for word in words],
            capture_output=True, text=True, check=False, timeout=seconds, **options,
        )  # fmt: skip
        assert not check or done.returncode == 0, (words, done.stdout[-3000:], done.stderr[-3000:])
        return done

    def inspect(self, container, template):
        return self.run("inspect", container, "--format", template).stdout.strip()

    def wait(self, container, *words, seconds=600):
        """Return what a command in a container prints, as soon as it succeeds."""
        end = time.monotonic() + seconds
        while True:
            done = self.run("exec", container, *words, check=False)
            if done.returncode == 0:
                return done.stdout
            logs = self.run("logs", "--tail", "40", container, check=False)
            assert time.monotonic() < end, (done.stderr, logs.stdout, logs.stderr)
            time.sleep(1)

    def close(self):
        """Remove everything below the folder, and nothing else."""
        self.run("rm", "--all", "--force", "--time", "1", check=False)
        self.run("network", "prune", "--force", check=False)
        self.run("volume", "rm", "--all", "--force", check=False)
        subprocess.run(
            ["umount", self.folder / "root" / "overlay"], capture_output=True, check=False
        )
        shutil.rmtree(self.folder, ignore_errors=True)
