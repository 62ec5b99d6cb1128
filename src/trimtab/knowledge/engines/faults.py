"""How the way to a server of vectors can be broken, for drills. The server itself is not ours to break."""

import socket
from collections.abc import Mapping

from trimtab.kernel.errors import Conflict
from trimtab.kernel.operable import Arguments, Fault, Realism, Value
from trimtab.knowledge.engines.engines import Engines

_ADDRESSES = {
    "postgres": "postgresql://drill@127.0.0.1:{port}/drill",
    "chroma": "http://127.0.0.1:{port}",
    "qdrant": "http://127.0.0.1:{port}",
}


class NoServer(Conflict):
    """A drill needs a server of vectors, and no project is in one."""

    code = "knowledge.no_server"
    default_hint = "Move a project first: `trimtab knowledge move PROJECT --to ENGINE`."


def faults(engines: Engines) -> tuple[Fault, ...]:
    """Return every fault."""
    silent: list[socket.socket] = []

    def cut(_: Arguments) -> Mapping[str, Value]:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        return _lead_to(engines, port)

    def silence(_: Arguments) -> Mapping[str, Value]:
        # Connections are taken by the kernel, and nobody ever reads them.
        listener = socket.create_server(("127.0.0.1", 0))
        silent.append(listener)
        return _lead_to(engines, listener.getsockname()[1])

    def restore(_: Mapping[str, Value]) -> None:
        for name in engines.opened():
            engines.reconnect(name)
        while silent:
            silent.pop().close()

    return (
        Fault(
            "knowledge.engine.cut",
            "Lead the connections to the servers of vectors to a port where nobody listens.",
            cut,
            restore,
            realism=Realism.SIMULATED,
            simulated_because="the connections are led to another port; the server goes on running",
        ),
        Fault(
            "knowledge.engine.silence",
            "Lead the connections to the servers of vectors to a port that takes them and never answers.",
            silence,
            restore,
            realism=Realism.SIMULATED,
            simulated_because="the connections are led to another port; the server goes on running",
        ),
    )


def _lead_to(engines: Engines, port: int) -> Mapping[str, Value]:
    names = list(engines.opened())
    if not names:
        raise NoServer("No project is in a server of vectors.")
    for name in names:
        engines.reconnect(name, _ADDRESSES[name].format(port=port))
    return {"engines": ", ".join(names)}
