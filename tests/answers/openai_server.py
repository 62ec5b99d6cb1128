"""A scripted OpenAI-compatible server over real HTTP, which records what it is sent."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.answers.world import completion, sse


@dataclass
class Script:
    """What the server does; tests change it between calls."""

    models: tuple[str, ...] = ("tiny", "large")
    cohere_models: tuple[str, ...] = ()
    """Names that ``/v1/models`` tells in Cohere's form instead."""
    key: str = ""
    """The only key that is let in; empty lets everybody in."""
    replies: list[str] = field(default_factory=lambda: ["It has seven doors [1]."])
    """Replies to questions in turn; the last one is repeated."""
    status: int = 200
    redirect_to: str = ""
    """Sends every request on to this root."""
    key_facts: dict[str, object] = field(default_factory=dict)
    """Body of ``/key``, as OpenRouter has it."""


@dataclass(frozen=True)
class Received:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, object] | None

    @property
    def prompt(self):
        return self.body["messages"][-1]["content"]


class OpenAiServer:
    """A running server; `received` holds the requests in order."""

    def __init__(self, script):
        self.script = script
        self.received: list[Received] = []
        own = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                own.reply(self, None)

            def do_POST(self):
                length = int(self.headers.get("Content-Length") or 0)
                own.reply(self, json.loads(self.rfile.read(length)))

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def keys(self):
        """Return every value of the header that carries keys."""
        return {request.headers.get("authorization", "") for request in self.received}

    def reply(self, handler, body):
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.received.append(Received(handler.command, handler.path, headers, body))
        status, kind, raw = self._answer(handler.path, headers, body)
        handler.send_response(status)
        if self.script.redirect_to:
            handler.send_header("Location", self.script.redirect_to + handler.path[3:])
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def _answer(self, path, headers, body):
        script = self.script
        if script.redirect_to:
            return 307, "application/json", b"{}"
        if script.status != 200:
            return script.status, "application/json", b"{}"
        if script.key and headers.get("authorization") != f"Bearer {script.key}":
            return 401, "application/json", b'{"error": {"message": "no"}}'
        if path.endswith("/chat/completions"):
            text = script.replies.pop(0) if len(script.replies) > 1 else script.replies[0]
            return 200, "text/event-stream", sse(completion(text))
        known = {"/v1/models": {"data": [{"id": name} for name in script.models]}}
        if script.cohere_models:
            known["/v1/models"] = {"models": [{"name": name} for name in script.cohere_models]}
        known["/v1/key"] = script.key_facts
        return 200, "application/json", json.dumps(known.get(path, {})).encode()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def openai_server(**script):
    server = OpenAiServer(Script(**script))
    try:
        yield server
    finally:
        server.close()
