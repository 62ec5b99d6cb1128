"""A Chroma server for drills: a process of its own, reached through a TCP proxy."""

import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from trimtab.infra.child_process import ChildProcess
from trimtab.kernel.clock import Clock, SystemClock
from trimtab.kernel.errors import Conflict

_START_SECONDS = 90.0
_CHUNK = 65_536


class NoServer(Conflict):
    """The drill needs Chroma's server program, and it is not installed."""

    code = "knowledge.no_server"
    default_hint = "Install it next to trimtab: `pip install chromadb`."


class TcpProxy:
    """Forwards a loopback port to an address; can cut, hold or delay the traffic."""

    def __init__(self, target: tuple[str, int], clock: Clock) -> None:
        self._target = target
        self._clock = clock
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.holding = False
        """Connections are accepted and nothing is forwarded, as a network that drops packets."""
        self.delay_seconds = 0.0
        """How much later each piece of a reply is forwarded."""
        self._closed = False
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="drill-proxy", daemon=True).start()

    def hold(self) -> None:
        """Stop forwarding: open connections go silent, new ones are accepted and get no reply."""
        self.holding = True

    def close(self) -> None:
        """Stop listening and end every connection. May be called twice."""
        self._closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            opened, self._open = self._open, []
        for connection in opened:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            self._serve(caller)

    def _serve(self, caller: socket.socket) -> None:
        with self._lock:
            self._open.append(caller)
        if self.holding:
            return
        try:
            server = socket.create_connection(self._target, 5)
        except OSError:
            # The caller sees what it would see without the proxy: the connection ends.
            caller.close()
            return
        server.settimeout(None)
        with self._lock:
            self._open.append(server)
        for source, sink, delayed in ((caller, server, False), (server, caller, True)):
            threading.Thread(
                target=self._forward, args=(source, sink, delayed), name="drill-proxy", daemon=True
            ).start()

    def _forward(self, source: socket.socket, sink: socket.socket, delayed: bool) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if self.holding:
                    return
                if delayed and self.delay_seconds:
                    self._clock.sleep(self.delay_seconds)
                sink.sendall(data)
        if not self.holding:
            for connection in (source, sink):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class DrillServer:
    """A Chroma server on loopback in a temporary folder, behind a proxy. `close` removes it."""

    def __init__(self) -> None:
        self._machine = SystemClock()
        self._folder = Path(tempfile.mkdtemp(prefix="trimtab-drill-chroma-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        try:
            self._process = self._start(port)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self.proxy = TcpProxy(("127.0.0.1", port), self._machine)
        self.url = f"http://127.0.0.1:{self.proxy.port}"

    def kill(self) -> None:
        """Kill the server's process, as a crash does, and leave its port free."""
        self._process.kill()
        self.proxy.close()

    def close(self) -> None:
        """End the server and remove its folder. May be called twice."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, port: int) -> ChildProcess:
        command = _find_program()
        if command is None:
            raise NoServer("Chroma's server is not installed.")
        words = ["run", "--host", "127.0.0.1", "--port", str(port)]
        with (self._folder / "log").open("ab") as log:
            process = ChildProcess(
                [command, *words, "--path", str(self._folder / "data")],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
        try:
            self._await_start(process.process, port)
        except BaseException:
            process.kill()
            raise
        return process

    def _await_start(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        began = self._machine.monotonic()
        while self._machine.monotonic() - began < _START_SECONDS:
            if process.poll() is not None:
                break
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            self._machine.sleep(0.1)
        raise NoServer("Chroma's server did not start.", hint="Run `chroma run` to see why.")


def _find_program() -> str | None:
    beside = Path(sys.executable).parent / "chroma"
    return str(beside) if beside.exists() else shutil.which("chroma")
