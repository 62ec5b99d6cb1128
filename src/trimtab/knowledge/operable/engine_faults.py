"""Faults of vector servers: a real one that the drill starts, then kills or cuts off."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from threading import Lock

from trimtab.infra.load_generator import LoadGenerator
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Conflict, TrimtabError
from trimtab.kernel.operable import Arguments, Fault, Param, Realism, Value
from trimtab.knowledge.engines.drill_server import DrillServer
from trimtab.knowledge.errors import ProjectUnknown
from trimtab.knowledge.operable.drill_project import search_one_of
from trimtab.knowledge.service import Knowledge

_ENGINE = "chroma"
PROJECT = "drill-vectors"
"""The project that a drill puts into its server; it is deleted with it."""
_TEXTS = {
    "valve.txt": "The inlet valve closes when the pressure in the tank is above four bar.",
    "pump.txt": "The pump starts by itself as soon as the level of the tank falls below one metre.",
    "filter.txt": "Change the filter of the pump each month, and write the date on its lid.",
    "alarm.txt": "The alarm is tested every Monday at nine; no one has to leave the building.",
    "pipe.txt": "A leaking pipe is closed at the valve before it, never at the one behind it.",
}


class EngineInUse(Conflict):
    """Chroma is used here already; a drill would cut off its users."""

    code = "knowledge.engine_in_use"
    default_hint = (
        "Run the drill without a service on the data directory: it starts one of its own."
    )


def faults(knowledge: Knowledge, clock: Clock) -> Iterator[Fault]:
    """Yield every fault."""
    servers = _Servers(knowledge, LoadGenerator(clock, "drill-searches"))
    delay = Param("seconds", "number", "How much later each reply arrives.", 0.6, 0.01, 60)
    yield Fault(
        "knowledge.engine.kill",
        "Start a Chroma server, move a project into it, and kill its process.",
        servers.broken(lambda server, _: server.kill()),
        servers.restore,
        realism=Realism.REAL,
    )
    yield Fault(
        "knowledge.engine.cut",
        "Start a Chroma server, move a project into it, and hold all traffic in a TCP proxy.",
        servers.broken(lambda server, _: server.proxy.hold()),
        servers.restore,
        realism=Realism.REAL,
    )
    yield Fault(
        "knowledge.engine.slow",
        "Start a Chroma server, move a project into it, delay its replies in a proxy, and search.",
        servers.slow,
        servers.restore,
        params=(delay,),
        realism=Realism.REAL,
    )


class _Servers:
    """The server of the drill that runs, and the project in it."""

    def __init__(self, knowledge: Knowledge, load: LoadGenerator) -> None:
        self._knowledge = knowledge
        self._load = load
        self._server: DrillServer | None = None
        self._lock = Lock()

    def broken(
        self, broke: Callable[[DrillServer, Arguments], object]
    ) -> Callable[[Arguments], Mapping[str, Value]]:
        """Return an injection that starts the server and then breaks it so."""

        def inject(given: Arguments) -> Mapping[str, Value]:
            broke(self._start(), given)
            return {"project": PROJECT}

        return inject

    def slow(self, given: Arguments) -> Mapping[str, Value]:
        server = self._start()
        server.proxy.delay_seconds = float(given["seconds"])
        queries = [(PROJECT, f"{text} {number}") for number in range(400) for text in _TEXTS]
        self._load.start(search_one_of(self._knowledge, queries), 8, per_second=1.0)
        return {"project": PROJECT}

    def restore(self, _: Mapping[str, Value]) -> None:
        self._load.stop()
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            with suppress(ProjectUnknown):
                self._knowledge.projects.delete(PROJECT)
            self._knowledge.engines.disconnect(_ENGINE)
            server.close()

    def _start(self) -> DrillServer:
        engines = self._knowledge.engines
        if _ENGINE in engines.configured() or _ENGINE in engines.opened():
            raise EngineInUse("A Chroma server is set up for this service.")
        server = DrillServer()
        with self._lock:
            self._server = server
        try:
            engines.connect(_ENGINE, server.url)
            for name, text in _TEXTS.items():
                self._knowledge.ingest_text(PROJECT, name, text)
            self._knowledge.mover.move(PROJECT, _ENGINE, lambda *_: None)
            self._knowledge.search(PROJECT, "When does the pump start?")
        except TrimtabError:
            self.restore({})
            raise
        return server
