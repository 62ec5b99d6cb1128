"""Rate limits that two processes share on a real server, and what happens when it is lost."""

import asyncio

import pytest

from tests.faces import client_of
from tests.knowledge.conftest import HandClock
from trimtab.app import build
from trimtab.infra.dependencies import PROBE_SECONDS, Dependencies
from trimtab.infra.settings import load
from trimtab.infra.valkey import ValkeyAddressInvalid, open_valkey
from trimtab.infra.valkey.rate_windows import SharedRateWindows
from trimtab.infra.valkey.signals import signals
from trimtab.infra.web import RateLimits
from trimtab.infra.web.limits import TooManyCalls
from trimtab.kernel.health import Status

LIMIT = 10


class Process:
    """What a process has of the server: its connection, its breaker and its rate limits."""

    def __init__(self, url, clock):
        self.valkey = open_valkey(url, Dependencies(clock))
        self.limits = RateLimits(clock, SharedRateWindows(self.valkey, clock))
        self._signals = {signal.name: signal for signal in signals(self.valkey, clock)}

    def call(self, count=1):
        """Return how many of the calls are accepted."""
        return asyncio.run(self.call_all(count))

    async def call_all(self, count):
        outcomes = [self.limits.admit("work:127.0.0.1", LIMIT) for _ in range(count)]
        found = await asyncio.gather(*outcomes, return_exceptions=True)
        assert {type(one) for one in found} <= {type(None), TooManyCalls}
        return found.count(None)

    def read(self, name):
        return [sample.value for sample in self._signals[f"service.valkey.{name}"].read()]


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def process_of(server, clock):
    opened = []

    def make():
        opened.append(Process(server.url, clock))
        return opened[-1]

    yield make
    for process in opened:
        process.valkey.close()


def test_two_processes_share_the_limit_of_a_client(process_of):
    first, second = process_of(), process_of()
    assert first.call(6) == 6
    assert second.call(6) == 4
    assert first.call() == 0


def test_concurrent_calls_to_both_processes_are_accepted_up_to_the_limit(process_of):
    first, second = process_of(), process_of()

    async def both():
        return sum(await asyncio.gather(first.call_all(20), second.call_all(20)))

    assert asyncio.run(both()) == LIMIT


def test_a_refusal_says_when_to_come_back(process_of):
    process = process_of()
    process.call(LIMIT)
    with pytest.raises(TooManyCalls) as refusal:
        asyncio.run(process.limits.admit("work:127.0.0.1", LIMIT))
    assert 1 <= refusal.value.retry_after_seconds <= 60


def test_the_server_holds_no_address_and_each_count_expires(process_of, server):
    process_of().call()
    with server.client as client:
        keys = client.keys("*")
        assert all(0 < client.ttl(key) <= 120 for key in keys)
    assert b"".join(keys).startswith(b"trimtab:rate:")
    assert b"127.0.0.1" not in b"".join(keys)


@pytest.mark.parametrize("loss", ["kill", "pause", "refuse", "hold", "garble"])
def test_without_the_server_each_process_counts_alone_and_says_so(process_of, server, loss):
    first, second = process_of(), process_of()
    first.call(4)
    {"kill": server.kill, "pause": server.pause}.get(loss, lambda: server.relay.set(loss))()
    # The four calls of before count: a lost server gives nobody a second allowance here.
    assert first.call(8) == LIMIT - 4
    assert second.call(11) == LIMIT
    found = first.valkey.health()
    assert found.status is Status.DEGRADED
    assert "rate limits count in each process" in found.detail
    assert first.read("up") == [0]
    assert first.read("keyspace_hits") == []


def test_a_server_that_was_lost_is_not_asked_for_some_seconds_and_comes_back(
    process_of, server, clock
):
    process = process_of()
    server.kill()
    process.call(5)
    assert process.valkey.breaker.refuses
    server.start()
    process.call()
    with server.client as client:
        assert client.keys("*") == []
    clock.sleep(PROBE_SECONDS + 1)
    process.call()  # One call tries it; others of the same moment would still do without.
    process.call()
    assert process.valkey.health().status is Status.UP
    assert process.read("up") == [1]
    assert process_of().call(LIMIT) == LIMIT - 2


def test_a_restarted_server_is_used_by_the_next_call(process_of, server):
    process = process_of()
    process.call()
    server.kill()
    server.start()
    process.call()
    with server.client as client:
        assert client.keys("trimtab:rate:*")


@pytest.mark.feature("F173")
def test_hits_and_their_ratio_are_signals(process_of, server):
    process = process_of()
    with server.client as client:
        client.set("k", "v")
        client.config_resetstat()
        [client.get("k") for _ in range(3)]
        client.get("missing")
    assert process.read("keyspace_hits") == [3]
    assert process.read("keyspace_misses") == [1]
    assert process.read("hit_ratio") == [0.75]


def test_a_whole_process_refuses_what_another_has_counted(server, process_of, tmp_path):
    flags = {"service.data_dir": str(tmp_path / "data"), "service.rate_limit_per_minute": "10"}
    app = build(load(flags=flags | {"service.valkey_url": server.url}, environment={}))
    try:
        client = client_of(app)
        assert client.get("/v1/me").status_code == 200
        process_of().call(LIMIT)
        assert client.get("/v1/me").status_code == 429
        assert client.get("/health").json()["components"]["valkey"]["status"] == "up"
        metrics = client.get("/metrics").text
        assert "\nservice_valkey_up 1.0" in metrics
        assert "\nredis_keyspace_hits_total " in metrics
    finally:
        app.close()


@pytest.mark.feature("F449")
def test_health_names_every_service_outside_that_is_configured(server, tmp_path):
    flags = {
        "service.data_dir": str(tmp_path / "data"),
        "service.valkey_url": server.url,
        "knowledge.qdrant_url": "http://127.0.0.1:1",
        "answers.otlp_endpoint": "http://127.0.0.1:1",
    }
    app = build(load(flags=flags, environment={}))
    try:
        found = client_of(app).get("/health").json()["components"]
        assert {"qdrant", "langfuse", "valkey"} <= set(found)
        assert (found["valkey"]["status"], found["qdrant"]["status"]) == ("up", "down")
    finally:
        app.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:6379", "unknown scheme 'http'"),
        ("valkey://", "names no host"),
        ("valkey://127.0.0.1:6379/cache", "no database number"),
        ("valkey://127.0.0.1:port", "not valid"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_its_form(url, said):
    with pytest.raises(ValkeyAddressInvalid, match=said) as refusal:
        open_valkey(url, Dependencies(HandClock()))
    assert "valkey://" in refusal.value.hint()


def test_the_address_is_in_no_list_of_settings():
    settings = load(flags={"service.valkey_url": "valkey://:hunter2@host"}, environment={})
    assert "hunter2" not in repr(settings)
