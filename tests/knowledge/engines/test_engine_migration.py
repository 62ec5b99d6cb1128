"""A project goes from one engine to another while it is used, and stays where it was when that fails."""

import signal
import subprocess
import sys

import numpy as np
import pytest

from trimtab.knowledge.errors import (
    EngineNotConfigured,
    EngineUnavailable,
    MoveRefused,
    MoveRunning,
    ProjectUnknown,
)

WORDS = [
    "tide",
    "gull",
    "whale",
    "squid",
    "reef",
    "storm",
    "sail",
    "rope",
    "mast",
    "keel",
    "fog",
    "buoy",
]


def quiet(_step, _done, _total):
    pass


@pytest.fixture
def sea(server, open_knowledge):
    """A project in the embedded engine, beside a server that has an address."""
    knowledge = open_knowledge(**{f"{server.name}_url": server.url})
    for n, word in enumerate(WORDS):
        knowledge.ingest_text("sea", f"{word}.md", f"{word} number {n} in the deep sea.")
    return knowledge


def answers(knowledge):
    found = {}
    for word in WORDS:
        result = knowledge.search("sea", f"{word} sea", 5)
        assert not result.degraded_mode
        # A server's sums may differ in the sixth digit.
        found[word] = [(p.document_name, round(p.score, 4)) for p in result.passages]
    return found


def spaces_on(knowledge, server):
    return [space for engine, space in knowledge.engine_store.spaces() if engine == server.name]


def engine_of(knowledge):
    return knowledge.parts.stores.projects.find("sea").engine


def test_a_project_moves_there_and_back_and_answers_the_same(sea, server):
    before = answers(sea)
    there = sea.mover.move("sea", server.name, quiet)
    assert (there.source, there.passages, there.checked) == ("embedded", 12, 12)
    assert (there.searches, there.agreement) == (12, 1.0)
    assert engine_of(sea) == server.name
    assert answers(sea) == before
    back = sea.mover.move("sea", "embedded", quiet)
    assert (back.source, back.checked) == (server.name, 12)
    assert answers(sea) == before


def test_the_old_engine_keeps_nothing(sea, server):
    sea.mover.move("sea", server.name, quiet)
    (space,) = spaces_on(sea, server)
    sea.mover.move("sea", "embedded", quiet)
    client = sea.engines.adapter(server.name)
    assert (client.stamps(space), spaces_on(sea, server)) == ({}, [])
    client.close()


def test_a_dry_run_changes_nothing(sea, server):
    plan = sea.mover.move("sea", server.name, quiet, dry_run=True)
    assert (plan.dry_run, plan.passages, plan.target) == (True, 12, server.name)
    assert engine_of(sea) == "embedded"
    assert spaces_on(sea, server) == []


def test_progress_is_told_for_sending_and_for_checking(sea, server):
    told = []
    sea.mover.move("sea", server.name, lambda *at: told.append(at))
    assert told == [("send", 12, 12), ("check", 12, 12)]


def test_what_comes_and_goes_meanwhile_is_there_and_gone_afterwards(sea, server):
    def meanwhile(step, _done, _total):
        sea.ingest_text("sea", f"{step}.md", f"The {step} came meanwhile.")
        sea.documents.delete("sea", "fog.md" if step == "send" else "buoy.md")

    seen = set()

    def once(step, done, total):
        if step not in seen:
            seen.add(step)
            meanwhile(step, done, total)

    sea.mover.move("sea", server.name, once)
    for name in ("send", "check"):
        found = sea.search("sea", f"the {name} came meanwhile", 1)
        assert (found.passages[0].document_name, found.degraded_mode) == (f"{name}.md", False)
        assert found.passages[0].vector_score is not None
    assert not {"fog.md", "buoy.md"} & {
        p.document_name for p in sea.search("sea", "sea", 50).passages
    }
    assert sea.verify_deletions().holds


@pytest.mark.parametrize("stage", ["send", "check"])
def test_a_server_that_fails_on_the_way_leaves_the_project_where_it_was(sea, server, clock, stage):
    before = answers(sea)

    def cut(step, _done, _total):
        if step == stage:
            server.relay.set("refuse")

    with pytest.raises(EngineUnavailable):
        sea.mover.move("sea", server.name, cut)
    assert (engine_of(sea), answers(sea)) == ("embedded", before)
    server.relay.set("pass")
    clock.seconds += 31
    sea.beat()
    assert spaces_on(sea, server) == []


def test_a_vector_that_arrives_changed_stops_the_move(sea, server):
    guarded = sea.engines.engine(server.name)
    former = guarded.replace(Distorting(sea.engines.adapter(server.name)))
    with pytest.raises(MoveRefused, match="vector"):
        sea.mover.move("sea", server.name, quiet)
    assert engine_of(sea) == "embedded"
    guarded.replace(former).close()


def test_a_passage_that_does_not_arrive_stops_the_move(sea, server):
    guarded = sea.engines.engine(server.name)
    former = guarded.replace(Losing(sea.engines.adapter(server.name)))
    with pytest.raises(MoveRefused, match="arrived"):
        sea.mover.move("sea", server.name, quiet)
    assert engine_of(sea) == "embedded"
    guarded.replace(former).close()


class Distorting:
    """Passes everything on, and changes one vector on the way back."""

    def __init__(self, engine):
        self._engine = engine

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def vectors(self, space, keys):
        found = self._engine.vectors(space, keys)
        found[keys[-1]] = np.roll(found[keys[-1]], 1)
        return found


class Losing(Distorting):
    """Passes on half of what is put."""

    def put(self, space, points):
        self._engine.put(space, points[::2])


def test_one_move_of_a_project_at_a_time(sea, server):
    def again(_step, _done, _total):
        with pytest.raises(MoveRunning):
            sea.mover.move("sea", server.name, quiet)

    sea.mover.move("sea", server.name, again)
    assert engine_of(sea) == server.name


def test_a_project_leaves_a_server_that_is_dead(sea, server, clock):
    sea.mover.move("sea", server.name, quiet)
    server.relay.set("refuse")
    sea.mover.move("sea", "embedded", quiet)
    answers(sea)
    assert len(spaces_on(sea, server)) == 1
    server.relay.set("pass")
    clock.seconds += 31
    sea.beat()
    assert spaces_on(sea, server) == []


def test_a_project_is_not_moved_to_where_it_is(sea, server):
    sea.mover.move("sea", server.name, quiet)
    assert sea.mover.move("sea", server.name, quiet).checked == 0


def test_what_is_not_there_is_not_moved(sea, server):
    with pytest.raises(ProjectUnknown):
        sea.mover.move("land", server.name, quiet)
    with pytest.raises(EngineNotConfigured):
        sea.mover.move("sea", "qdrant", quiet)


_MOVER = """
import sys, time
from pathlib import Path
from tests.knowledge.conftest import HandClock, WordModelHome
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health
from trimtab.knowledge import Knowledge, KnowledgeContext

folder, name, url = sys.argv[1:]
clock = HandClock()
knowledge = Knowledge(
    DataDirectory(Path(folder) / "data"), KnowledgeSettings(**{f"{name}_url": url}),
    KnowledgeContext(clock, Events(), Health(clock)), WordModelHome(Path(folder) / "model"),
)
knowledge.encoder.install_and_load()

def wait(*at):
    print(*at, flush=True)
    time.sleep(60)

knowledge.mover.move("sea", name, wait)
"""


def test_a_move_that_is_killed_leaves_the_project_where_it_was(
    server, open_knowledge, tmp_path, pytestconfig
):
    first = open_knowledge()
    for n, word in enumerate(WORDS):
        first.ingest_text("sea", f"{word}.md", f"{word} number {n} in the deep sea.")
    before = answers(first)
    open_knowledge.shut()
    words = [sys.executable, "-c", _MOVER, tmp_path, server.name, server.url]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, cwd=pytestconfig.rootpath
    ) as moving:
        assert moving.stdout.readline() == "send 12 12\n"
        moving.send_signal(signal.SIGKILL)
    again = open_knowledge(**{f"{server.name}_url": server.url})
    assert (engine_of(again), answers(again)) == ("embedded", before)
    assert len(spaces_on(again, server)) == 1
    again.beat()
    assert spaces_on(again, server) == []
    assert again.mover.move("sea", server.name, quiet).checked == 12
