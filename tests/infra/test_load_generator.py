"""Load for drills: repeats requests in threads, and ends them."""

import threading

import pytest

from trimtab.infra.load_generator import LoadGenerator
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.drilling import in_drill
from trimtab.kernel.errors import NotFound, Unavailable


class Requests:
    """Counts requests; after ``enough`` of them `wait` returns."""

    def __init__(self, enough, error=None):
        self.marks, self.threads = [], set()
        self._enough, self._error = enough, error
        self._done = threading.Event()

    def __call__(self, rng):
        self.marks.append(in_drill())
        self.threads.add(threading.current_thread())
        if len(self.marks) >= self._enough:
            self._done.set()
        if self._error is not None:
            raise self._error

    def wait(self):
        assert self._done.wait(30)


@pytest.fixture
def load():
    generator = LoadGenerator(SystemClock(rate=1000))
    yield generator
    generator.stop()


@pytest.mark.parametrize("pace", [{"per_second": 2.0}, {"think_seconds": 0.001}])
def test_requests_repeat_as_drill_traffic_until_stopped(load, pace):
    requests = Requests(20)
    load.start(requests, 3, **pace)
    requests.wait()
    load.stop()
    sent = len(requests.marks)
    assert all(requests.marks)
    assert not any(thread.is_alive() for thread in requests.threads)
    assert len(requests.marks) == sent


def test_a_failing_service_goes_on_being_asked(load):
    requests = Requests(5, Unavailable("down"))
    load.start(requests, think_seconds=0.001)
    requests.wait()


def test_a_worker_ends_when_what_it_asks_for_is_gone(load):
    requests = Requests(1, NotFound("gone"))
    load.start(requests, think_seconds=0.001)
    requests.wait()
    [worker] = requests.threads
    worker.join(30)
    assert (worker.is_alive(), len(requests.marks)) == (False, 1)


def test_a_second_start_replaces_the_first(load):
    first, second = Requests(1), Requests(1)
    load.start(first, think_seconds=0.001)
    first.wait()
    load.start(second, think_seconds=0.001)
    second.wait()
    assert not any(thread.is_alive() for thread in first.threads)
