"""What the memory profile says about a while."""

import threading

from trimtab.kernel.clock import SystemClock
from trimtab.knowledge.maintenance.allocations import GrowthProfile


class QueuedDocument(SystemClock):
    """A clock whose waits last until something has grown."""

    def __init__(self):
        super().__init__()
        self.waited = []
        self.grown = threading.Event()

    def wait(self, stop, seconds):
        self.waited.append(seconds)
        self.grown.wait(20)
        return stop.is_set()


class Piece:
    """What grows."""


def profiled(tmp_path):
    """Return the report of a while in which 3,000 pieces were made, and how long it was to be."""
    clock = QueuedDocument()
    profile = GrowthProfile(clock, tmp_path / "memory_profile.txt")
    assert profile.start(300)
    while not clock.waited:
        assert not profile.start(1)  # One at a time.
    pieces = [Piece() for _ in range(3000)]
    clock.grown.set()
    profile.close()
    assert len(pieces) == 3000
    return profile.file.read_text(encoding="utf-8"), clock.waited


def test_a_profile_names_the_types_that_grew_and_the_lines_that_made_them(tmp_path):
    report, waited = profiled(tmp_path)
    assert waited == [300]
    assert "grown Piece 3000" in report
    assert "test_allocations.py" in report


def test_another_profile_may_follow(tmp_path):
    profile = GrowthProfile(SystemClock(), tmp_path / "memory_profile.txt")
    for _ in range(2):
        assert profile.start(0.01)
        profile.close()
