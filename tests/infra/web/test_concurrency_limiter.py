import threading

import anyio
import pytest

from trimtab.infra.web import ConcurrencyLimiter
from trimtab.infra.web.concurrency_limiter import TooManyWaiting


class Work:
    """Work that lasts until it is let go, and knows how many did it at once."""

    def __init__(self):
        self.let_go = threading.Event()
        self.order = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def of(self, number):
        def work():
            with self._lock:
                self._now += 1
                self.most = max(self.most, self._now)
                self.order.append(number)
            assert self.let_go.wait(10)
            with self._lock:
                self._now -= 1
            return number

        return work


@pytest.mark.parametrize("at_once", [1, 2])
def test_so_many_are_worked_on_at_once_and_the_others_take_their_turn_in_order(at_once):
    work, limiter, done = Work(), ConcurrencyLimiter(at_once, 10), []

    async def ask(number):
        done.append(await limiter.run(work.of(number)))

    async def all_of_them():
        async with anyio.create_task_group() as tasks:
            for number in range(6):
                tasks.start_soon(ask, number)
                await anyio.wait_all_tasks_blocked()
            assert limiter.waiting == 6 - at_once
            work.let_go.set()

    anyio.run(all_of_them)
    assert sorted(done) == list(range(6))
    assert work.most == at_once
    assert at_once > 1 or work.order == list(range(6))  # Threads begin in no certain order.
    assert limiter.waiting == 0


def test_one_more_than_may_wait_is_refused_and_nothing_of_it_is_done():
    work, limiter = Work(), ConcurrencyLimiter(1, 1)

    async def crowd():
        async with anyio.create_task_group() as tasks:
            for number in range(2):
                tasks.start_soon(limiter.run, work.of(number))
                await anyio.wait_all_tasks_blocked()
            with pytest.raises(TooManyWaiting) as refused:
                await limiter.run(work.of(2))
            assert refused.value.retryable
            work.let_go.set()

    anyio.run(crowd)
    assert 2 not in work.order


def test_what_has_begun_is_neither_refused_nor_kept_waiting_by_what_has_not():
    work, limiter = Work(), ConcurrencyLimiter(1, 0)

    async def crowd():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(limiter.run, work.of(0))
            await anyio.wait_all_tasks_blocked()
            assert await limiter.resume(lambda: 1) == 1
            work.let_go.set()

    anyio.run(crowd)
    assert work.order == [0]


def test_a_place_is_free_again_after_work_that_fails():
    limiter = ConcurrencyLimiter(1, 0)

    def fail():
        raise ValueError("broken")

    async def twice():
        for _ in range(2):
            with pytest.raises(ValueError, match="broken"):
                await limiter.run(fail)
        return await limiter.run(lambda: 1)

    assert anyio.run(twice) == 1
