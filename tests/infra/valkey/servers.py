"""A real Valkey or Redis server for tests, reached through a relay."""

import os
import shutil
import signal
import socket
import time
from contextlib import suppress

import psutil
from redis import Redis, RedisError

from tests.knowledge.engines.servers import Relay
from trimtab.infra.child_process import ChildProcess


class ValkeyServer:
    """The server of Debian's package, in a process of its own; nothing is stored unless it is told to."""

    def __init__(self, folder):
        self._folder = folder
        self._program = shutil.which("valkey-server") or shutil.which("redis-server")
        assert self._program, (
            "These tests need a Valkey or Redis server: `apt-get install redis-server`."
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.start()
        self.relay = Relay(("127.0.0.1", self.port))
        self.url = f"valkey://127.0.0.1:{self.relay.port}/0"

    @property
    def client(self):
        """A client of its own, not through the relay; close it."""
        return Redis(port=self.port, socket_timeout=5)

    def start(self):
        words = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            self._child = ChildProcess(
                [self._program, *words, "--save", "", "--appendonly", "no"], stdout=log, stderr=log
            )
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with suppress(RedisError), self.client as client:
                client.ping()
                return
            time.sleep(0.02)
        raise TimeoutError((self._folder / "log").read_text())

    @property
    def ended(self):
        return self._child.process.poll() is not None

    def kill(self):
        self._child.kill()

    def pause(self):
        """Stop the process; the system still accepts connections for it."""
        os.kill(self._child.process.pid, signal.SIGSTOP)

    def go_on(self):
        with suppress(psutil.NoSuchProcess):
            psutil.Process(self._child.process.pid).resume()

    def empty(self):
        with self.client as client:
            client.flushall()

    def close(self):
        self.relay.close()
        self.go_on()
        self._child.kill()
