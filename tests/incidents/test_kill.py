"""``kill -9`` at every stage: after the restart the incident goes on, and nothing happens twice."""

import multiprocessing
import signal
from collections import Counter

import pytest

from tests.incidents import kill_process
from tests.incidents.operator import make_context
from tests.incidents.world import World
from trimtab.incidents import State
from trimtab.testing.clock import FakeClock

# The fork server imports once; every process starts from it within milliseconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.incidents.kill_process"])


def _run(folder, at, *, ask):
    process = _processes.Process(target=kill_process.run, args=(folder, at, ask))
    process.start()
    process.join(timeout=100)
    if process.is_alive():
        process.kill()
    return process.exitcode


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("at", "ask"),
    [
        ("detected", False),
        ("triaged", False),
        ("diagnosed", False),
        ("awaiting_approval", True),
        ("executing", False),
        ("act", False),
        ("verifying", False),
        ("restored", False),
    ],
)
def test_an_incident_survives_kill_9_at(tmp_path, at, ask):
    World(tmp_path / "world.json").put(tap=1, level=1)
    assert _run(tmp_path, at, ask=ask) == -signal.SIGKILL
    assert _run(tmp_path, "", ask=ask) == 0

    world, incident, journal = _afterwards(tmp_path)
    assert [what for _, what in world.get("effects")] == ["close_tap", "refill"]
    assert incident.state is State.RESOLVED
    assert [text for text in journal if text.startswith("Done: ")] == [
        "Done: close_tap was done.",
        "Done: refill was done.",
    ]


@pytest.mark.timeout(240)
def test_a_half_undone_fix_is_undone_to_its_end_after_kill_9(tmp_path):
    World(tmp_path / "world.json").put(tap=1, level=1, broken=["refill"])
    assert _run(tmp_path, "undoing", ask=False) == -signal.SIGKILL
    assert _run(tmp_path, "", ask=False) == 0

    world, incident, journal = _afterwards(tmp_path)
    assert [what for _, what in world.get("effects")] == ["close_tap", "open_tap"]
    assert incident.state is State.ESCALATED
    assert journal.count("Undone: open_tap was done.") == 1


@pytest.mark.timeout(240)
def test_an_act_that_hangs_ends_with_a_person_also_when_the_process_was_killed_in_it(tmp_path):
    World(tmp_path / "world.json").put(tap=1, level=1)
    assert _run(tmp_path, "hang", ask=False) == -signal.SIGKILL
    assert _run(tmp_path, "hang", ask=False) == 0

    world, incident, journal = _afterwards(tmp_path)
    assert [what for _, what in world.get("effects")] == ["close_tap", "open_tap"]
    assert incident.state is State.ESCALATED
    assert [attempt.outcome for attempt in incident.attempts] == ["timed_out"]
    assert any("whether it took effect is unknown" in text for text in journal)
    assert incident.episode.called


def _afterwards(folder):
    """Return the tank, the incident and its journal, which says nothing twice."""
    world = World(folder / "world.json")
    store = make_context(folder, world, FakeClock())[0].store
    (incident,) = store.find()
    journal = [entry.text for entry in store.timeline(incident.id)]
    assert [text for text, times in Counter(journal).items() if times > 1] == []
    return world, incident, journal
