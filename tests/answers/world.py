"""Builders: passages, a retriever over given passages, a clock that only moves when told, a chat endpoint."""

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from trimtab.answers import Answers, ExtractiveGenerator, Passage, RecentTraces, Retrieved
from trimtab.kernel.events import Events

CACHE_TEXT = (
    "# Cache\n\nThe query cache holds 100 entries by default. It is cleared every night at 03:00. "
    "Dr. Grace Hopper designed the eviction rule in 1987."
)


def passage(text=CACHE_TEXT, chunk_id="c1", start=0, **fields):
    given = {"document_id": "d1", "document_name": "cache.md", "score": 1.0} | fields
    return Passage(chunk_id=chunk_id, text=text, start=start, end=start + len(text), **given)


class FixedRetriever:
    def __init__(self, *passages, **facts):
        self.retrieved = Retrieved(passages, **facts)
        self.asked = []

    def search(self, project, query, top_k, **_labels):
        self.asked.append((project, query, top_k))
        return self.retrieved


class StillClock:
    rate = 1.0

    def __init__(self):
        self.seconds = 0.0

    def now(self):
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self):
        self.seconds += 0.001
        return self.seconds

    def wait(self, event, seconds):
        return event.is_set()

    def sleep(self, seconds):
        self.seconds += seconds


class World:
    def __init__(self, *passages, generator=None, **facts):
        self.retriever = FixedRetriever(*(passages or (passage(),)), **facts)
        self.traces = RecentTraces()
        self.events = Events()
        self.heard = []
        self.events.subscribe("*", self.heard.append)
        self.clock = StillClock()
        self.answers = Answers(
            self.retriever,
            generator or ExtractiveGenerator(),
            self.traces,
            self.clock,
            self.events,
        )


def completion(content, **usage):
    usage = {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60} | usage
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


@contextmanager
def chat_endpoint(body, status=200, hang=None):
    """Serve one reply for every request; yields the URL and the list of requests. ``hang`` is an event to wait for."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            requests.append(json.loads(self.rfile.read(length)))
            if hang is not None:
                hang.wait(20)
                return
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", requests
    finally:
        if hang is not None:
            hang.set()
        server.shutdown()
        thread.join()
        server.server_close()
