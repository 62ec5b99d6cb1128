"""Looking at every object of the process disturbs nobody."""

import sys
import threading

import pytest

from trimtab.knowledge.maintenance.heap import counted, named


class Buoy:
    """Something to find."""


@pytest.fixture
def eager_threads():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def test_objects_are_counted_by_type_and_by_name():
    buoys = [Buoy() for _ in range(7)]
    assert counted()[Buoy] == len(buoys) == named(counted())["Buoy"]
    assert counted()[tuple] > 0


def test_threads_that_make_tuples_go_on_while_objects_are_counted(eager_threads):
    failed, over = [], threading.Event()

    def work():
        try:
            while not over.is_set():
                assert len(tuple(number for number in range(3000))) == 3000
        except SystemError as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        counted()
    over.set()
    for thread in threads:
        thread.join()
    assert failed == []
