import socket

from trimtab.api.http.server import bind


def test_answers_are_sent_without_waiting_for_acknowledgements():
    with (
        bind("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        accepted, _ = listener.accept()
        with accepted, client:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
