import asyncio
import importlib.util
import socket
import sys

import pytest

from trimtab.api.http.server import bind, new_event_loop


def test_answers_are_sent_without_waiting_for_acknowledgements():
    with (
        bind("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        accepted, _ = listener.accept()
        with accepted, client:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not run on Windows")
def test_the_event_loop_is_that_of_uvloop():
    assert importlib.util.find_spec("uvloop") is not None
    loop = new_event_loop()
    loop.close()
    assert type(loop).__module__.startswith("uvloop")


def test_without_uvloop_the_event_loop_is_that_of_asyncio(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    loop = new_event_loop()
    loop.close()
    assert isinstance(loop, asyncio.BaseEventLoop)
