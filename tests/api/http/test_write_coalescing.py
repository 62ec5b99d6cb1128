"""Head and body leave together, and nothing waits for long."""

import asyncio

import pytest

from trimtab.api.http.write_coalescing import CoalescingTransport


class Transport:
    """A transport that keeps each write by itself."""

    def __init__(self):
        self.sent = []
        self.closed_after = None

    def write(self, data):
        self.sent.append(bytes(data))

    def close(self):
        self.closed_after = len(self.sent)

    def get_extra_info(self, name):
        return f"the {name}"


def joined(use):
    """Return the transport after the coroutine function has used it through `CoalescingTransport`."""
    transport = Transport()

    async def main():
        await use(CoalescingTransport(transport, asyncio.get_running_loop()))

    asyncio.run(main())
    return transport


def test_what_is_written_in_one_turn_of_the_loop_is_sent_at_once():
    async def use(writes):
        for _ in range(2):
            writes.write(b"head ")
            writes.write(b"body")
            await asyncio.sleep(0)

    assert joined(use).sent == [b"head body", b"head body"]


def test_what_was_written_is_sent_before_the_connection_closes():
    async def use(writes):
        writes.write(b"bye")
        writes.close()

    transport = joined(use)
    assert (transport.sent, transport.closed_after) == ([b"bye"], 1)


def test_a_stream_that_never_pauses_is_not_gathered():
    async def use(writes):
        for _ in range(100):
            writes.write(b"x" * 10_000)

    sent = joined(use).sent
    assert sum(map(len, sent)) == 1_000_000
    assert max(map(len, sent)) < 80_000


@pytest.mark.parametrize("name", ["peername", "sockname"])
def test_everything_else_is_asked_of_the_connection_itself(name):
    async def use(writes):
        assert writes.get_extra_info(name) == f"the {name}"

    joined(use)
