"""Two annotating processes, one of them killed: no item is lost, finished twice or shown to two at once."""

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.review.world import GOOD, ReviewWorld
from trimtab.kernel.clock import SystemClock
from trimtab.review.records import ItemState

ITEMS = 60


def annotate(folder, name, die_after):
    """Judge items until none is free; die holding one after so many."""
    world = ReviewWorld(Path(folder), clock=SystemClock())
    done = 0
    while (item := world.reviews.next(name)) is not None:
        sys.stdout.write(f"{item.id}\n")
        sys.stdout.flush()
        if done == int(die_after):
            os.kill(os.getpid(), 9)
        world.reviews.submit(item.id, name, GOOD)
        done += 1


def start(folder, name, die_after):
    command = [sys.executable, "-W", "ignore", "-m", "tests.review.test_kill", str(folder)]
    return subprocess.Popen([*command, name, str(die_after)], stdout=subprocess.PIPE, text=True)


@pytest.mark.on_files
def test_two_processes_and_a_kill_lose_and_repeat_nothing(tmp_path, world):
    world.queue(*(f"t{number:03}" for number in range(ITEMS)))
    killed, other = start(tmp_path, "ann", 5), start(tmp_path, "bob", ITEMS)
    shown = Counter(killed.communicate(timeout=200)[0].split() + other.communicate()[0].split())
    assert (killed.returncode, other.returncode) == (-9, 0)
    # What the killed one held is the only item left, and it is not another person's before its time ends.
    assert set(shown.values()) == {1}
    assert len(shown) == ITEMS
    items = [world.reviews.find(f"t{number:03}") for number in range(ITEMS)]
    left = [item for item in items if item.state is not ItemState.DONE]
    assert [item.lease_by for item in left] == ["ann"]
    assert Counter(each.annotator for item in items for each in item.annotations).total() == 59


def test_eight_threads_never_hold_the_same_item(world):
    world.queue(*(f"t{number:03}" for number in range(ITEMS)))

    def hold(name):
        return world.reviews.next(name).id

    with ThreadPoolExecutor(8) as pool:
        held = list(pool.map(hold, [f"annotator{number}" for number in range(8)]))
    assert len(set(held)) == 8


if __name__ == "__main__":
    annotate(*sys.argv[1:])
