"""Deletion is killed at each step and finishes after restart."""

import subprocess
import sys

import pytest

from tests.privacy.erasure.world import World
from trimtab.privacy.erasure import ErasureState

PROGRAM = """
import os, sys
from pathlib import Path
from tests.privacy.erasure.world import World

def die():
    os.kill(os.getpid(), 9)

world, die_at = World(Path(sys.argv[1]), rate=1.0), sys.argv[2]
when, _, name = die_at.partition(" ")
if name in world.notes:
    setattr(world.notes[name], f"{when}_erase", die)
elif name == "certificate":
    world.erasures._store.__class__.certify = lambda *_: die()
elif name == "audit":
    original = world.audit.append
    def append(actor, action, *rest):
        if action == "answers.user_erased":
            if when == "after":
                original(actor, action, *rest)
            die()
        return original(actor, action, *rest)
    world.audit.append = append
elif name == "shred":
    original_shred = type(world.subjects).shred
    def shred(self, user_id):
        if when == "after":
            original_shred(self, user_id)
        die()
    type(world.subjects).shred = shred
elif name == "start":
    world.jobs.start = lambda *_: die()
for notes in world.notes.values():
    notes.add("ann")
world.jobs.launch()
world.erasures.wait(world.erasures.request("ann", actor="admin").id)
"""
PLACES = (
    "before start",
    "before queue",
    *(f"after {step}" for step in World.STEPS),
    "before certificate",
    "before audit",
    "after audit",
    "before shred",
    "after shred",
)


@pytest.mark.parametrize("die_at", PLACES)
def test_an_erasure_killed_anywhere_finishes_after_restart(tmp_path, die_at):
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path / "data"), die_at]
    killed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert killed.returncode == -9, killed.stderr

    world = World(tmp_path / "data", rate=1.0)
    try:
        (erasure_id,) = world.erasures._store.in_state(ErasureState.RUNNING)
        world.jobs.launch()
        world.erasures.resume()
        erasure = world.erasures.wait(erasure_id)
        assert erasure.state is ErasureState.DONE
        assert [(step.found, step.remaining) for step in erasure.steps] == [(1, 0)] * 3
        erased = [event.action for event in world.audit.recent()].count("answers.user_erased")
        assert (erased, world.audit.verify().problems) == (1, ())
    finally:
        world.close()
