import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.answers.world import StillClock, World
from trimtab.answers import Question
from trimtab.answers.store import TraceStore
from trimtab.answers.tracing import SpanExporter
from trimtab.answers.tracing.exporter import parse_headers
from trimtab.answers.tracing.spans import spans
from trimtab.kernel.clock import SystemClock

QUESTION = "How many entries does the query cache hold?"


class Collector:
    """Decodes what it is sent, as a collector would; answers with the status it is told."""

    def __init__(self):
        self.status = 200
        self.refuses = ""
        self.spans = []
        self.headers = {}
        self.arrived = threading.Event()

    def take(self, path, headers, body):
        request = ExportTraceServiceRequest.FromString(body)
        found = [
            span
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        if path != "/v1/traces" or headers["Content-Type"] != "application/x-protobuf":
            return 404
        if self.refuses and any(attributes(s).get("trimtab.trace_id") == self.refuses for s in found):  # fmt: skip
            return 400
        if self.status == 200:
            self.spans += found
            self.headers = dict(headers)
            self.arrived.set()
        return self.status


def attributes(span):
    kinds = ("string_value", "bool_value", "int_value", "double_value")
    return {
        a.key: next(getattr(a.value, kind) for kind in kinds if a.value.HasField(kind))
        for a in span.attributes
    }


@contextmanager
def serving(collector, port=0):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(collector.take(self.path, self.headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def store(databases):
    return TraceStore(databases.open(("answers",)))


@contextmanager
def exporting(store, url, clock=None, **options):
    exporter = SpanExporter(store, url, {"x-key": "k"}, clock or StillClock(), **options)
    try:
        yield exporter
    finally:
        exporter.close()


def keep(store, count=1, user_id="ann"):
    world = World()
    kept = []
    for _ in range(count):
        answer = world.answer(Question("handbook", QUESTION, user_id=user_id))
        kept.append(world.traces.find(answer.trace_id))
        store.keep(kept[-1])
    return kept


def test_a_trace_arrives_as_one_tree_of_spans_with_genai_names(store):
    (trace,) = keep(store)
    collector = Collector()
    with serving(collector) as url, exporting(store, url) as exporter:
        assert exporter.run_once().sent == 1
    root, retrieve, generate = collector.spans
    assert {span.trace_id for span in collector.spans} == {root.trace_id}
    assert retrieve.parent_span_id == generate.parent_span_id == root.span_id
    assert root.parent_span_id == b""
    assert attributes(root)["trimtab.trace_id"] == trace.id
    assert attributes(retrieve)["gen_ai.operation.name"] == "retrieval"
    assert generate.name == "chat extractive"
    assert attributes(generate)["gen_ai.usage.input_tokens"] == 0
    assert collector.headers["x-key"] == "k"


def test_stages_follow_one_another_inside_the_answers_time(store):
    (trace,) = keep(store)
    root, retrieve, generate = spans(trace)
    assert root.start_time == retrieve.start_time < retrieve.end_time == generate.start_time
    assert generate.end_time <= root.end_time
    assert root.end_time == int(trace.answer.created_at.timestamp() * 1e9)


def test_no_span_holds_the_question_the_answer_or_the_user(store):
    (trace,) = keep(store, user_id="ann.lovelace")
    for span in spans(trace):
        text = str(span.attributes) + span.name
        assert "ann.lovelace" not in text
        assert "query cache" not in text.casefold()


@pytest.mark.feature("F450")
@pytest.mark.parametrize("status", [500, 503, 429, 401, 404])
def test_a_backend_that_fails_loses_nothing_and_blocks_no_answer(store, status):
    collector = Collector()
    collector.status = status
    with serving(collector) as url, exporting(store, url) as exporter:
        kept = keep(store, 3)
        run = exporter.run_once()
        assert (run.sent, run.waiting, run.error) == (0, 3, f"The tracing backend answered {status}.")  # fmt: skip
        assert store.find(kept[0].id) == kept[0]
        collector.status = 200
        assert exporter.run_once().sent == 3
    assert len(collector.spans) == 9


def test_an_hour_without_backend_and_a_restart_lose_nothing(store):
    with serving(Collector()) as url:
        pass  # Its port is known now, and nobody listens there.
    clock = StillClock()
    for _ in range(12):
        keep(store, 20)
        clock.seconds += 300
        with exporting(store, url, clock) as exporter:  # Restarted every five minutes.
            run = exporter.run_once()
            assert run.sent == 0
            assert "does not answer" in run.error
    collector = Collector()
    with serving(collector, int(url.rsplit(":", 1)[1])), exporting(store, url, clock) as exporter:
        assert exporter.run_once().sent == 240
    roots = [span for span in collector.spans if not span.parent_span_id]
    assert len({span.trace_id for span in roots}) == 240


def test_what_was_sent_is_not_sent_again(store):
    collector = Collector()
    with serving(collector) as url, exporting(store, url) as exporter:
        keep(store)
        exporter.run_once()
        assert exporter.run_once().sent == 0
    assert len(collector.spans) == 3


def test_one_trace_that_the_backend_refuses_does_not_hold_up_the_others(store):
    kept = keep(store, 7)
    collector = Collector()
    collector.refuses = kept[3].id
    with serving(collector) as url, exporting(store, url) as exporter:
        run = exporter.run_once()
    assert (run.sent, run.rejected, run.waiting) == (6, 1, 0)
    assert store.find(kept[3].id) == kept[3]


def test_an_erased_user_is_not_sent_any_more(store):
    keep(store, 2, user_id="ann")
    keep(store, 1, user_id="bob")
    store.forget_user("ann")
    collector = Collector()
    with serving(collector) as url, exporting(store, url) as exporter:
        assert exporter.run_once().sent == 1


def test_the_exporter_sends_by_itself(store):
    collector = Collector()
    with serving(collector) as url:
        clock = SystemClock(rate=1000)
        with exporting(store, url, clock, interval_seconds=5) as exporter:
            exporter.start()
            keep(store)
            assert collector.arrived.wait(30)


def test_the_same_trace_has_the_same_ids_whenever_it_is_sent(store):
    (trace,) = keep(store)
    assert [s.context for s in spans(trace)] == [s.context for s in spans(trace)]
    other = replace(trace, id="trace_other")
    assert spans(other)[0].context.trace_id != spans(trace)[0].context.trace_id


def test_headers_are_read_in_opentelemetrys_form():
    assert parse_headers("a=1, Authorization=Basic eA==,junk") == {"a": "1", "Authorization": "Basic eA=="}  # fmt: skip
