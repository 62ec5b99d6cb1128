import asyncio
import sys
import threading

import pytest

from tests.journeys.__main__ import missed
from tests.journeys.recorder import Journey, install, record
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.ids import content_id, new_id


@pytest.fixture(autouse=True)
def profiled():
    install()
    yield
    sys.setprofile(None)
    threading.setprofile(None)


def test_functions_count_once_and_only_inside_the_journey():
    new_id("x", SystemClock().now())
    with record(Journey("x")) as journey:
        content_id("a", "b")
        content_id("a", "c")
    content_id("a", "d")
    assert journey.files == ["kernel/ids.py"]
    assert "content_id" in {code.co_name for code in journey.functions}
    assert "new_id" not in {code.co_name for code in journey.functions}


def test_a_thread_counts_when_it_starts_inside_the_journey():
    def start():
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()

    start()
    with record(Journey("x")) as journey:
        start()
    assert journey.threads == 1


def test_what_a_worker_thread_runs_counts_and_what_runs_beside_does_not():
    clock = SystemClock()

    async def work():
        await asyncio.to_thread(content_id, "a", "b")

    with record(Journey("x")) as journey:
        beside = threading.Thread(target=clock.now)
        beside.start()
        beside.join()
        asyncio.run(work())
    assert journey.files == ["kernel/ids.py"]


@pytest.mark.parametrize(("limit", "misses"), [(1, []), (0, ["files 1 > 0"])])
def test_a_target_is_missed_by_one_more(limit, misses, monkeypatch):
    monkeypatch.setattr("tests.journeys.__main__.TARGETS", {"x": {"files": limit}})
    with record(Journey("x")) as journey:
        content_id("a", "b")
    assert missed(journey) == misses
