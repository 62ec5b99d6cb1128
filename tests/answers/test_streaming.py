import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.answers.world import StillClock, World, passage
from trimtab.answers import Answer, ExtractiveGenerator, Question
from trimtab.answers.drafts import DraftSentence, Restart
from trimtab.answers.errors import EmptyQuery
from trimtab.answers.records import Judged
from trimtab.answers.remote import RemoteGenerator
from trimtab.answers.streaming import AnswerStream, OpenGuard

QUESTION = "How many entries does the query cache hold?"
REPLY = "It holds 100 entries [1]. It is cleared at 03:00. [1] Trust me on that. Grace Hopper wrote the rule [1]."


def sse(*deltas, usage=None, end=b"data: [DONE]\n\n"):
    """Return the events of a streamed reply, one list element for each write."""
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in deltas]
    chunks.append({"choices": [], "usage": usage or {"prompt_tokens": 50, "completion_tokens": 9}})
    frame = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return [f"data: {json.dumps(frame | chunk)}\n\n".encode() for chunk in chunks] + [end]


@contextmanager
def endpoint(writes, hang_after=None):
    """Serve the writes to every request; after ``hang_after`` of them it says no more until the test is over."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for number, write in enumerate(writes):
                if number == hang_after:
                    over.wait(30)
                    return
                self.wfile.write(write)
                self.wfile.flush()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def streamed(generator, guard=None, clock=None, **options):
    world = World()
    own = AnswerStream(
        world.pipeline,
        generator,
        guard or OpenGuard(),
        world.record,
        clock or StillClock(),
        **options,
    )
    *released, answer = own.stream(Question("p", QUESTION, user_id="ann"))
    assert isinstance(answer, Answer)
    assert world.traces.find(answer.trace_id).answer == answer
    return released, answer


def remote(url, timeout=5.0):
    return RemoteGenerator(url, "tiny", "key", timeout)


class Without:
    """Withholds sentences that hold a word."""

    def __init__(self, word):
        self.word = word

    def judge(self, question, sentence):
        return Judged("forbidden" if self.word in sentence.text else "")


def test_a_generator_that_cannot_stream_is_released_sentence_by_sentence():
    released, answer = streamed(ExtractiveGenerator())
    assert " ".join(sentence.text for sentence in released) == answer.text
    assert tuple(c for sentence in released for c in sentence.citations) == answer.citations


def test_a_streamed_reply_gives_cited_sentences_and_the_same_answer_as_a_whole_one():
    with endpoint(sse(*REPLY)) as url:
        released, answer = streamed(remote(url))
    assert [sentence.text for sentence in released] == [
        "It holds 100 entries. [1]",
        "It is cleared at 03:00. [2]",
        "Grace Hopper wrote the rule. [3]",
    ]
    assert [c.number for c in answer.citations] == [1, 2, 3]
    assert answer.text == " ".join(sentence.text for sentence in released)


def test_the_first_sentence_is_out_before_the_model_has_said_the_last():
    writes = sse(REPLY[:60], REPLY[60:])
    with endpoint(writes, hang_after=1) as url:
        world = World()
        own = AnswerStream(
            world.pipeline, remote(url, 0.3), OpenGuard(), world.record, StillClock()
        )
        first = next(own.stream(Question("p", QUESTION)))
    assert first.text == "It holds 100 entries. [1]"


def test_a_withheld_sentence_is_in_neither_stream_nor_answer_nor_trace():
    with endpoint(sse(*REPLY)) as url:
        released, answer = streamed(remote(url), Without("03:00"))
    assert [sentence.number for sentence in released] == [1, 2]
    assert "03:00" not in answer.text
    assert answer.notice == "1 of the sentences were withheld by a guard."


def test_a_quote_first_used_by_a_withheld_sentence_is_still_cited_by_the_next():
    reply = "Secretly it holds 100 entries [1]. The query cache holds 100 entries [1]."
    with endpoint(sse(reply)) as url:
        released, answer = streamed(remote(url), Without("Secretly"))
    assert [c.number for c in released[0].citations] == [1]
    assert answer.citations == released[0].citations


def test_everything_withheld_is_not_found():
    _, answer = streamed(ExtractiveGenerator(), Without(""))
    assert (answer.found, answer.citations) == (False, ())


@pytest.mark.parametrize(
    "writes",
    [
        [b"data: {garbage\n\n"],
        [b"data: []\n\n", b"data: [DONE]\n\n"],
        sse("No citation at all."),
        [b"\xff\xfe"],
        [],
    ],
)
def test_garbage_before_the_first_sentence_falls_back_to_quotes(writes):
    with endpoint(writes) as url:
        _, answer = streamed(remote(url))
    assert (answer.model, answer.found) == ("extractive", True)
    assert answer.notice


def test_a_model_that_hangs_half_way_leaves_what_it_said():
    with endpoint(sse(REPLY[:40], REPLY[40:]), hang_after=1) as url:
        released, answer = streamed(remote(url, 0.2))
    assert [sentence.text for sentence in released] == ["It holds 100 entries. [1]"]
    assert (answer.text, answer.model) == (released[0].text, "interrupted")
    assert "failed" in answer.notice


def test_a_model_that_dribbles_is_cut_off_at_the_deadline():
    with endpoint(sse(*REPLY)) as url:
        _, answer = streamed(remote(url), seconds=0.0)
    assert "longer than 0 s" in answer.notice


def test_not_found_streams_nothing():
    with endpoint(sse("NOT_", "FOUND")) as url:
        released, answer = streamed(remote(url))
    assert (released, answer.found, answer.notice) == ([], False, "")


def test_a_bad_question_is_refused_before_anything_is_said():
    world = World()
    own = AnswerStream(
        world.pipeline, ExtractiveGenerator(), OpenGuard(), world.record, StillClock()
    )
    with pytest.raises(EmptyQuery):
        next(own.stream(Question("p", " ")))


class Chunked(RemoteGenerator):
    """Says a reply in given pieces, without a network."""

    def __init__(self, chunks):
        super().__init__("http://127.0.0.1:9/v1", "tiny", "k")
        self.chunks = chunks

    def _deltas(self, prompt):
        yield from ((chunk, None) for chunk in self.chunks)


@given(st.lists(st.integers(0, len(REPLY)), max_size=12).map(sorted))
def test_wherever_the_reply_is_cut_the_sentences_are_the_same(cuts):
    bounds = [0, *cuts, len(REPLY)]
    chunks = [REPLY[a:b] for a, b in pairwise(bounds)]
    *sentences, draft = Chunked(chunks).stream(QUESTION, (passage(),))
    assert [s.text for s in sentences] == [
        "It holds 100 entries. [1]",
        "It is cleared at 03:00. [2]",
        "Grace Hopper wrote the rule. [3]",
    ]
    assert draft.text == " ".join(s.text for s in sentences)


class Restarts:
    """Yields a sentence, restarts, and then streams another generator's draft."""

    def stream(self, question, passages):
        draft = ExtractiveGenerator().quote(question, passages)
        yield DraftSentence("It holds 7 entries. [1]", draft.citations[:1])
        yield Restart("The first model broke off.")
        yield replace(draft, notice="The first model broke off.")


def test_a_restart_before_anything_was_shown_goes_to_the_next_generator():
    released, answer = streamed(Restarts(), Without("7 entries"))
    assert (answer.found, answer.notice) == (True, "The first model broke off.")
    assert "7 entries" not in answer.text
    assert released


def test_a_restart_after_a_shown_sentence_ends_the_answer_with_it():
    released, answer = streamed(Restarts())
    assert [sentence.text for sentence in released] == ["It holds 7 entries. [1]"]
    assert (answer.text, answer.model) == ("It holds 7 entries. [1]", "interrupted")
