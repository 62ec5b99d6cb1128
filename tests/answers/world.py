"""Builders: passages, a retriever over given passages, a clock that only moves when told, a chat endpoint."""

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from trimtab.answers import AnswerPipeline, ExtractiveGenerator, Retrieved, SourcePassage
from trimtab.answers.drafts import sentences_of
from trimtab.answers.errors import TraceUnknown
from trimtab.answers.metrics import AnswerGiven
from trimtab.kernel.events import Events

CACHE_TEXT = (
    "# Cache\n\nThe query cache holds 100 entries by default. It is cleared every night at 03:00. "
    "Dr. Grace Hopper designed the eviction rule in 1987."
)


def passage(text=CACHE_TEXT, chunk_id="c1", start=0, **fields):
    given = {"document_id": "d1", "document_name": "cache.md", "score": 1.0} | fields
    return SourcePassage(chunk_id=chunk_id, text=text, start=start, end=start + len(text), **given)


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


class WholeDrafts:
    """A generator that writes its draft with `generate` and cannot stream."""

    def stream(self, question, passages):
        yield self.generate(question, passages)


class Sentences(WholeDrafts):
    """A generator that yields the sentences of its draft before the draft."""

    def stream(self, question, passages):
        draft = self.generate(question, passages)
        yield from sentences_of(draft)
        yield draft


class MemoryTraces:
    """Traces in memory."""

    def __init__(self):
        self._traces = {}

    def keep(self, trace):
        self._traces[trace.id] = trace

    def find(self, trace_id):
        if trace_id not in self._traces:
            raise TraceUnknown(f"There is no trace {trace_id!r}.")
        return self._traces[trace_id]

    def recent(self, limit, project=None):
        newest = reversed(self._traces.values())
        return [t for t in newest if project in (None, t.answer.project)][:limit]


class World:
    """A pipeline whose results are stored and published, as the service does."""

    def __init__(self, *passages, generator=None, guards=None, clock=None, traces=None, **facts):
        self.retriever = FixedRetriever(*(passages or (passage(),)), **facts)
        self.traces = traces or MemoryTraces()
        self.events = Events()
        self.heard = []
        self.events.subscribe("*", self.heard.append)
        self.clock = clock or StillClock()
        self.pipeline = AnswerPipeline(
            self.retriever, generator or ExtractiveGenerator(), self.clock, guards
        )

    def answer(self, question):
        return self.record(self.pipeline.answer(question))

    def record(self, result):
        self.traces.keep(result.trace)
        self.events.publish(AnswerGiven.of(result.trace))
        return result.answer


def sse(completion):
    """Return a chat completion as the events of a stream, word by word."""
    frame = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    words = completion["choices"][0]["message"]["content"].split(" ")
    texts = [word + " " * (number < len(words)) for number, word in enumerate(words, 1)]
    parts = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    parts.append({"choices": [], "usage": completion["usage"]})
    events = b"".join(f"data: {json.dumps(frame | part)}\n\n".encode() for part in parts)
    return events + b"data: [DONE]\n\n"


def given(**facts):
    """Return the event of a model's answer."""
    usual = {
        "trace_id": "t", "project": "p", "found": True, "blocked": False, "degraded_mode": False,
        "cache_hit": False, "model": "m", "grounding": 1.0, "rejected": False, "fallback": False,
        "passages": 1, "duration_ms": 1.0,
    }  # fmt: skip
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return AnswerGiven("answers.given", at, "answer", {}, **(usual | facts))


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
            streamed = status == 200 and isinstance(body, dict)
            raw = sse(body) if streamed else body
            raw = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
            self.send_response(status)
            kind = "text/event-stream" if streamed else "application/json"
            self.send_header("Content-Type", kind)
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
