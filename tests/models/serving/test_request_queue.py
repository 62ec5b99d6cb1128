"""Requests are taken once, in order, with few wake-ups of the thread that takes them."""

import itertools
import threading
from types import SimpleNamespace

import pytest

from trimtab.models.serving.request_queue import QueuedRequest, RequestQueue

LONG, SHORT = 600.0, 0.01


def request(rows=1):
    return QueuedRequest(SimpleNamespace(rows=[None] * rows), 0, "production")


def queue_with(count, wait=LONG, rows=256, batch_seconds=LONG):
    """Return a queue whose last batch had that many requests and took so long."""
    queue = RequestQueue(wait, rows, itertools.count(step=batch_seconds).__next__)
    for _ in range(count):
        queue.put(request())
    queue.take()
    return queue


def test_all_that_waits_is_taken_in_order():
    queue, sent = RequestQueue(LONG, 256), [request() for _ in range(5)]
    assert all(queue.put(each) for each in sent)
    assert len(queue) == 5
    assert queue.take() == sent
    assert len(queue) == 0


@pytest.mark.parametrize(("sizes", "taken"), [((3, 3, 3), 2), ((2, 2, 2), 3), ((9, 1), 1)])
def test_a_batch_ends_at_its_rows_and_one_large_request_is_a_batch(sizes, taken):
    queue = RequestQueue(LONG, 5)
    sent = [request(rows) for rows in sizes]
    for each in sent:
        queue.put(each)
    assert queue.take() == sent[:taken]


def test_after_a_batch_of_three_it_waits_for_three():
    queue, found = queue_with(3), []
    taker = threading.Thread(target=lambda: found.append(queue.take()))
    taker.start()
    sent = [request() for _ in range(3)]
    for each in sent:
        queue.put(each)
    taker.join(60)
    assert found == [sent]


def test_who_waited_during_the_last_batch_counts_as_well():
    queue, found = queue_with(2), []
    sent = [request() for _ in range(4)]
    queue.put(sent[0])
    queue.put(sent[1])
    queue.before_answers()
    taker = threading.Thread(target=lambda: found.append(queue.take()))
    taker.start()
    queue.put(sent[2])
    queue.put(sent[3])
    taker.join(60)
    assert found == [sent]


def test_it_does_not_wait_for_others_that_do_not_come():
    queue, one = queue_with(3, SHORT), request()
    queue.put(one)
    assert queue.take() == [one]


def test_after_a_single_request_the_next_one_does_not_wait():
    queue, one = queue_with(1), request()
    queue.put(one)
    assert queue.take() == [one]  # It would take ten minutes.


def test_it_waits_for_others_no_longer_than_the_last_batch_took():
    queue, waits = queue_with(3, batch_seconds=SHORT), []

    class NobodyComes:
        def acquire(self, timeout=-1.0):
            waits.append(timeout)
            return False

    queue._wake, one = NobodyComes(), request()
    queue.put(one)
    assert queue.take() == [one]
    assert waits == [pytest.approx(SHORT)]


def test_a_closed_queue_takes_nothing_and_hands_out_what_it_has():
    queue, one = RequestQueue(LONG, 256), request()
    queue.put(one)
    queue.close()
    queue.close()
    assert not queue.put(request())
    assert queue.take() == [one]
    assert queue.take() == []


def test_closing_wakes_a_taker_that_waits():
    queue, found = RequestQueue(LONG, 256), []
    taker = threading.Thread(target=lambda: found.append(queue.take()))
    taker.start()
    queue.close()
    taker.join(60)
    assert found == [[]]


def test_a_request_at_the_very_end_of_the_wait_wakes_once():
    queue, late = queue_with(2, SHORT), [request(), request()]
    lock = queue._wake

    class EndsWithARequest:
        """The wait is over just before the request that it waits for comes."""

        release = lock.release

        def acquire(self, timeout=-1.0):
            if timeout == SHORT:
                queue.put(late[1])
                return False
            return lock.acquire(timeout=timeout)

    queue._wake = EndsWithARequest()
    queue.put(late[0])
    assert queue.take() == late
    assert lock.locked()  # The next sleep is not ended by this wake-up.


def test_many_threads_lose_and_repeat_nothing():
    queue, taken = RequestQueue(SHORT, 7), []
    sent = [[request() for _ in range(300)] for _ in range(4)]

    def put(mine):
        for each in mine:
            queue.put(each)

    def take():
        while batch := queue.take():
            taken.extend(batch)

    putters = [threading.Thread(target=put, args=(mine,)) for mine in sent]
    taker = threading.Thread(target=take)
    for thread in (taker, *putters):
        thread.start()
    for thread in putters:
        thread.join(60)
    queue.close()
    taker.join(60)
    places = {id(each): at for at, each in enumerate(taken)}
    assert len(taken) == len(places) == 1200
    for mine in sent:
        assert [places[id(each)] for each in mine] == sorted(places[id(each)] for each in mine)
