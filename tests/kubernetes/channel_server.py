"""The server's side of `kubectl exec`: a websocket that speaks v4.channel.k8s.io, as kubelets of every version do."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection

PROTOCOL = "v4.channel.k8s.io"
STDOUT, STDERR, STATUS = b"\x01", b"\x02", b"\x03"
SUCCESS = {"metadata": {}, "status": "Success"}


def ended(code):
    """Return the status of a command that ended with this exit code."""
    if not code:
        return SUCCESS
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def not_found(program):
    """Return the status of a program that the container does not have, in the words of runc."""
    text = f'failed to exec in container: exec: "{program}": executable file not found in $PATH: unknown'
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: error executing command in container: {text}",
        "reason": "InternalError",
        "details": {"causes": [{"message": text}]},
        "code": 500,
    }


class ChannelServer:
    """Runs commands that come over websockets, and answers other requests.

    Args:
        run: Yields messages, each with its channel in the first byte, for a path and a list of words; the last one is
            the status. Without one, the connection is closed before the command has ended.
        answer: Returns the answer to a plain request, JSON or bytes, for a path and a query; None for 404.
        context: TLS of the server, when it has any.
    """

    def __init__(self, run, answer=lambda _path, _query: None, context=None):
        self.run = run
        self.answer = answer
        self.asked = []
        """Path and words of every command."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        if context is not None:
            # The thread of each connection shakes hands: one that waits must not stop the others.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.port = self._server.server_port

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self):
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if self.headers.get("upgrade", "").lower() == "websocket":
                    owner._upgrade(self)
                    return
                parts = urlsplit(self.path)
                found = owner.answer(parts.path, parse_qs(parts.query))
                plain = isinstance(found, bytes)
                body = (
                    found
                    if plain
                    else json.dumps(found or {"kind": "Status", "code": 404}).encode()
                )
                self.send_response(404 if found is None else 200)
                self.send_header("content-type", "text/plain" if plain else "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def _upgrade(self, handler):
        parts = urlsplit(handler.path)
        words = parse_qs(parts.query)["command"]
        self.asked.append((parts.path, words))
        connection = WSConnection(ConnectionType.SERVER)
        headers = [(name.encode(), value.encode()) for name, value in handler.headers.items()]
        connection.initiate_upgrade_connection(headers, handler.path)
        (request,) = connection.events()
        assert PROTOCOL in request.subprotocols
        handler.close_connection = True
        with contextlib.suppress(OSError):  # The client may go before the command has ended.
            handler.wfile.write(connection.send(AcceptConnection(subprotocol=PROTOCOL)))
            # Kubelets begin with an empty message on the lowest channel.
            for message in (STDOUT, *self.run(parts.path, words)):
                handler.wfile.write(connection.send(BytesMessage(message)))
                handler.wfile.flush()
            handler.wfile.write(connection.send(CloseConnection(1000)))
            handler.wfile.flush()
            while handler.connection.recv(65_536):
                pass
