"""A model's endpoint that hangs, dribbles, sends garbage, refuses, breaks off, or lies about its usage."""

import contextlib
import json
import random
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.answers.service import QUESTION, Whole
from tests.answers.torture.result import Result
from tests.answers.world import CACHE_TEXT, completion
from trimtab.answers import Answer, Question
from trimtab.kernel.clock import SystemClock

REPLY = "It holds 100 entries [1]. It is cleared every night at 03:00 [1]."
TIMEOUT_SECONDS = 0.3
PATIENCE_SECONDS = 5.0
"""The longest that an asker may wait, on a busy machine, for a model with that timeout."""
LIES = (
    {"prompt_tokens": -5, "completion_tokens": -5},
    {"prompt_tokens": 10**15, "completion_tokens": 10**15},
    {"prompt_tokens": "many", "completion_tokens": None},
    {"prompt_tokens": 0, "completion_tokens": 0},
    {},
)


def _sse(*texts, usage=None):
    frame = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    parts = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    parts.append({"choices": [], "usage": usage or {"prompt_tokens": 50, "completion_tokens": 9}})
    return b"".join(f"data: {json.dumps(frame | part)}\n\n".encode() for part in parts)


class Liar:
    """Decides for each request how the endpoint misbehaves."""

    KINDS = (
        "hang",
        "hang half-way",
        "dribble",
        "garbage",
        "garbage stream",
        "not json",
        "wrong shape",
        "429",
        "500",
        "cut",
        "lies",
        "uncited",
        "cites nothing real",
        "endless",
        "empty",
        "good",
    )

    def __init__(self, seed):
        self.chance, self.kind, self.over = random.Random(seed), "good", threading.Event()

    def reply(self, handler, *, stream):
        """Misbehave."""
        kind = self.kind
        if kind == "hang":
            self.over.wait(10)
        elif kind in {"429", "500"}:
            self._send(handler, b'{"error": {"message": "no"}}', int(kind))
        elif kind == "cut":
            self._send(handler, self._good(stream)[:40], length=10_000)
        elif kind == "dribble":
            self._begin(handler)
            for byte in self._good(stream):
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                if self.over.wait(0.02):
                    return
        elif kind == "hang half-way":
            self._begin(handler)
            handler.wfile.write(self._good(stream)[:200])
            handler.wfile.flush()
            self.over.wait(10)
        else:
            self._send(handler, self._body(kind, stream))

    def _body(self, kind, stream):
        bad = {
            "garbage": self.chance.randbytes(500),
            "garbage stream": b"data: " + self.chance.randbytes(200) + b"\n\ndata: {}\n\n",
            "not json": b"<html>Bad gateway</html>",
            "wrong shape": b'{"choices": 7}',
            "empty": b"",
        }
        if kind in bad:
            return bad[kind]
        if kind == "lies":
            return self._good(stream, usage=self.chance.choice(LIES))
        texts = {
            "uncited": "Trust me on that.",
            "cites nothing real": "It holds 7,000 entries [99].",
            "endless": "It holds 100 entries [1]. " * 20_000,
        }
        return self._good(stream, texts.get(kind, REPLY))

    @staticmethod
    def _good(stream, text=REPLY, usage=None):
        if stream:
            return _sse(text[: len(text) // 2], text[len(text) // 2 :], usage=usage) + b"data: [DONE]\n\n"  # fmt: skip
        body = completion(text)
        return json.dumps(body | {"usage": usage} if usage is not None else body).encode()

    @staticmethod
    def _begin(handler, status=200, length=None):
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        if length is not None:
            handler.send_header("Content-Length", str(length))
        handler.send_header("Connection", "close")
        handler.end_headers()

    def _send(self, handler, body, status=200, length=None):
        self._begin(handler, status, len(body) if length is None else length)
        handler.wfile.write(body)


@contextmanager
def lying(liar):
    """Serve the liar; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with contextlib.suppress(OSError):  # The client gave up, as it should.
                liar.reply(self, stream=bool(asked.get("stream")))

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        liar.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def campaign(folder, attempts, seed=1):
    """Ask so many questions of such a model, whole and streamed; return what went wrong."""
    result, liar, models = Result("generators"), Liar(seed), Counter()
    longest, slowest = 0.0, ""
    with lying(liar) as url:
        whole = Whole(
            folder,
            SystemClock(),
            generator="openai",
            generator_url=url,
            generator_model="m",
            generator_key="k",
            generator_timeout_seconds=TIMEOUT_SECONDS,
            generation_deadline_seconds=3 * TIMEOUT_SECONDS,
            input_usd_per_million=1.0,
            output_usd_per_million=2.0,
            budget_usd_per_day=1.0,
            cache_entries=0,
        )
        try:
            for number in range(attempts):
                liar.kind = Liar.KINDS[number % len(Liar.KINDS)]
                for breaker in whole.service.models._breakers.values():
                    breaker.record_success()  # An open breaker would spare it.
                started = time.monotonic()
                answer = _asked(whole.service, streamed=number // len(Liar.KINDS) % 2 == 1)
                longest, slowest = max((longest, slowest), (time.monotonic() - started, liar.kind))
                _judge(result, whole, answer, liar.kind)
                models[answer.model] += 1
                result.tried += 1
            spent = whole.service.budget.standing()
            result.expect(0 <= spent.spent_usd <= 1.0, f"the budget stands at {spent}")
        finally:
            liar.over.set()
            whole.close()
    result.expect(longest < PATIENCE_SECONDS, f"an asker waited {longest:.1f} s ({slowest})")
    result.figures = {
        "kinds": len(Liar.KINDS),
        "models": dict(models),
        "longest wait, s": f"{longest:.2f} ({slowest})",
        "spent, USD": round(spent.spent_usd, 6),
    }
    return result


def _asked(service, *, streamed):
    question = Question("p", QUESTION, user_id="ann")
    if not streamed:
        return service.answer(question)
    *_, answer = service.stream(question)
    return answer


def _judge(result, whole, answer, kind):
    trace = whole.service.traces.find(answer.trace_id)
    quoted = all(CACHE_TEXT[c.start : c.end] == c.quote for c in answer.citations)
    result.expect(isinstance(answer, Answer) and answer.text, f"{kind}: no answer")
    result.expect(quoted, f"{kind}: a quote that is not in the document")
    result.expect(answer.found == bool(answer.citations), f"{kind}: found without citations")
    result.expect(0 <= trace.cost_usd < 0.1, f"{kind}: cost {trace.cost_usd}")
    result.expect(0 <= trace.input_tokens < 100_000, f"{kind}: {trace.input_tokens} tokens")
    if kind not in {"good", "lies", "endless", "dribble", "hang half-way", "cut"}:
        result.expect(answer.notice, f"{kind}: nothing says that the model failed")
