"""Servers on loopback that fail as mail servers and webhooks do."""

import socketserver
import threading


class Refusing(socketserver.StreamRequestHandler):
    """An SMTP server that takes no mail."""

    def handle(self) -> None:
        """Refuse at the greeting."""
        self.wfile.write(b"554 5.3.2 no mail is taken here\r\n")


class Silent(socketserver.BaseRequestHandler):
    """A web server that accepts a request and never answers."""

    def handle(self) -> None:
        """Read until the caller gives up."""
        while self.request.recv(65536):
            pass


class LoopbackServer(socketserver.ThreadingTCPServer):
    """A server on a free port of this machine, in a thread of its own."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self.serve_forever, name="fault", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Return its port."""
        return int(self.server_address[1])

    def stop(self) -> None:
        """Stop the server and close its socket."""
        self.shutdown()
        self.server_close()
