"""Drafts that processes share on a real server: whose they are, and that an erasure leaves none."""

import re

import pytest

from tests.knowledge.conftest import HandClock
from trimtab.answers.drafts import Draft
from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.generation import CachedGenerator
from trimtab.answers.records import Citation, SourcePassage
from trimtab.answers.shared_drafts import SharedDrafts, SharedDraftsNotErased
from trimtab.infra.dependencies import PROBE_SECONDS, Dependencies
from trimtab.infra.valkey import open_valkey


def passage(text="Ann drives the red car.", document="d1"):
    return SourcePassage(document, "cars.txt", f"{document}-1", text, 0, len(text), 0.9)


class Writer:
    """Writes the first passage as its answer, and counts how often it is asked."""

    def __init__(self):
        self.asked = 0
        self.before_the_draft = lambda: None

    def stream(self, question, passages):
        self.asked += 1
        self.before_the_draft()
        one = passages[0]
        quote = Citation(1, one.document_id, "cars.txt", one.chunk_id, one.text, 0, 5, 0.5)
        yield Draft(f"{one.text} [1]", (quote,), "m", 0.8)


class Process:
    def __init__(self, url, clock, version="v1"):
        self.valkey = open_valkey(url, Dependencies(clock))
        self.writer = Writer()
        self.order = ["model", "extractive"]
        self.cache = CachedGenerator(
            self.writer, version, 10, SharedDrafts(self.valkey), lambda: self.order
        )

    def ask(self, question="Who drives?", *passages):
        (draft,) = self.cache.stream(question, passages or (passage(),))
        return draft


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def process_of(server, clock):
    opened = []

    def make(version="v1"):
        opened.append(Process(server.url, clock, version))
        return opened[-1]

    yield make
    for process in opened:
        process.valkey.close()


def stored(server):
    with server.client as client:
        return [client.get(key) for key in client.keys("trimtab:drafts:*")]


def test_another_process_finds_the_draft_with_its_citations(process_of):
    first, second = process_of(), process_of()
    assert first.ask() == second.ask() == second.ask()
    assert (first.writer.asked, second.writer.asked) == (1, 0)
    assert second.cache.shared_hits == 1  # The second time its own memory had it.


@pytest.mark.parametrize(
    "other",
    [
        ("Who drives?", passage("Ann drives the blue car.")),
        ("Who drives?", passage(document="of-another-tenant")),
        ("Who rides?", passage()),
    ],
)
def test_other_passages_another_tenant_or_another_question_find_nothing(process_of, other):
    first, second = process_of(), process_of()
    first.ask()
    second.ask(*other)
    assert second.writer.asked == 1


def test_other_settings_of_the_model_find_nothing(process_of):
    process_of().ask()
    other = process_of("v2")
    other.ask()
    assert other.writer.asked == 1


def test_an_erasure_leaves_no_draft_on_the_server_for_any_process(process_of, server):
    first, second = process_of(), process_of()
    first.ask()
    assert b"Ann" in b"".join(stored(server))
    second.cache.erase()
    assert stored(server) == []


def test_a_draft_that_was_begun_before_an_erasure_is_not_stored(process_of, server):
    first, second = process_of(), process_of()
    first.writer.before_the_draft = second.cache.erase
    first.ask()
    assert stored(server) == []


def test_an_erasure_fails_while_the_server_is_down_and_succeeds_later(process_of, server, clock):
    process = process_of()
    process.ask()
    server.relay.set("refuse")
    with pytest.raises(SharedDraftsNotErased):
        process.cache.erase()
    assert len(process.cache) == 0
    server.relay.set("pass")
    clock.sleep(PROBE_SECONDS + 1)
    process.cache.erase()
    assert stored(server) == []


@pytest.mark.feature("F190")
@pytest.mark.parametrize("loss", ["kill", "pause", "refuse", "hold", "garble"])
def test_the_loss_of_the_second_layer_costs_a_call_and_no_answer(process_of, server, loss):
    first, second = process_of(), process_of()
    first.ask()
    {"kill": server.kill, "pause": server.pause}.get(loss, lambda: server.relay.set(loss))()
    assert second.ask() == first.ask()
    assert (first.writer.asked, second.writer.asked) == (1, 1)


@pytest.mark.feature("F190")
def test_the_loss_of_the_first_layer_is_answered_by_the_second(process_of):
    process = process_of()
    process.ask()
    process.cache.clear()
    process.ask()
    assert process.writer.asked == 1


@pytest.mark.parametrize("garbage", [b"", b"nonsense", b"[]", b'{"text": "x"}', b"\xff\xfe"])
def test_a_value_of_another_program_is_not_an_answer(process_of, server, garbage):
    process_of().ask()
    with server.client as client:
        (key,) = client.keys("trimtab:drafts:*")
        client.set(key, garbage)
    second = process_of()
    assert second.ask().text == "Ann drives the red car. [1]"
    assert second.writer.asked == 1


def test_a_key_of_another_type_is_not_an_answer(process_of, server):
    process_of().ask()
    with server.client as client:
        (key,) = client.keys("trimtab:drafts:*")
        client.delete(key)
        client.lpush(key, "x")
    assert process_of().ask().text


def test_each_draft_expires_and_its_key_tells_nothing(process_of, server):
    process_of().ask()
    with server.client as client:
        (key,) = client.keys("trimtab:drafts:*")
        assert 0 < client.ttl(key) <= 3600
    assert re.fullmatch(rb"trimtab:drafts:draft_[0-9a-f]{32}", key)


def test_a_fallbacks_draft_is_not_shared(process_of, server):
    process = process_of()
    process.cache._inner = type(
        "Fallback",
        (),
        {"stream": lambda *_: iter([Draft("t", (), "m", 0.1, notice="the model was late")])},
    )()
    process.ask()
    assert stored(server) == []


def test_a_draft_of_another_order_of_generators_is_not_used(process_of):
    process_of().ask()
    follower = process_of()
    follower.order.reverse()  # It follows a preference that was set meanwhile.
    follower.ask()
    assert follower.writer.asked == 1
    follower.order.reverse()
    third = process_of()
    third.ask()
    assert third.writer.asked == 0


def test_a_process_with_a_model_of_its_own_shares_nothing(process_of, server):
    process = process_of()
    process.cache.use_shared(allowed=False)
    process.ask()
    assert stored(server) == []
    process.cache.erase()


def test_the_failure_of_the_model_is_not_hidden(process_of):
    process = process_of()

    def fail():
        raise GeneratorUnavailable("late")

    process.writer.before_the_draft = fail
    with pytest.raises(GeneratorUnavailable):
        process.ask()
