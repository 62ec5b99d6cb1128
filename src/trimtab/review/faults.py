"""Faults of the review domain for drills."""

from collections.abc import Callable, Iterator, Mapping

import sqlalchemy as sa

from trimtab.infra.restartable import RestartableTask
from trimtab.kernel.ids import new_id
from trimtab.kernel.operable import Arguments, Fault, Realism, Value
from trimtab.review.records import ItemState, ReviewQueue
from trimtab.review.service import Reviews
from trimtab.review.store import items_table

_NOT_REAL = "no thread of a sound process ends by itself; the thread is made to end"
_NOT_DAMAGE = (
    "a disk's damage is found by the page checksums before a row is read; the row is written as a"
    " faulty program would write it"
)
_DAMAGED = "garbled"
_ROWS = 3


def faults(
    reviews: Reviews, collector: RestartableTask, feedback: RestartableTask
) -> tuple[Fault, ...]:
    """Return every fault of the domain."""
    return (*_stops(collector, feedback), _corrupt(reviews))


def _stops(collector: RestartableTask, feedback: RestartableTask) -> Iterator[Fault]:
    for name, text, task in (
        ("review.collector.stop", "End the thread that fills the review queues.", collector),
        ("review.feedback.stop", "End the thread that processes the feedback.", feedback),
    ):
        yield Fault(
            name,
            text,
            _stopping(task),
            _starting(task),
            realism=Realism.SIMULATED,
            simulated_because=_NOT_REAL,
        )


def _stopping(task: RestartableTask) -> Callable[[Arguments], Mapping[str, Value]]:
    def stop(_: Arguments) -> Mapping[str, Value]:
        task.stop()
        return {}

    return stop


def _starting(task: RestartableTask) -> Callable[[Mapping[str, Value]], None]:
    def start(_: Mapping[str, Value]) -> None:
        if not task.running:
            task.restart()

    return start


def _corrupt(reviews: Reviews) -> Fault:
    database = reviews.items.database

    def inject(_: Arguments) -> Mapping[str, Value]:
        now = reviews.clock.now()
        ids = [new_id("item", now) for _ in range(_ROWS)]
        with database.write() as connection:
            for own in ids:
                row = {
                    "id": own,
                    "queue": _DAMAGED,
                    "source": "drill",
                    "subject": own,
                    "reason": "drill",
                    "needed": 1,
                    "state": ItemState.WAITING,
                    "added_at": now.isoformat(),
                }
                connection.execute(sa.insert(items_table).values(**row))
        reviews.items.version += 1
        return {"ids": ",".join(ids)}

    def restore(saved: Mapping[str, Value]) -> None:
        ids = str(saved["ids"]).split(",")
        with database.write() as connection:
            connection.execute(sa.delete(items_table).where(items_table.c.id.in_(ids)))
        reviews.items.version += 1

    return Fault(
        "review.queue.corrupt",
        f"Write items that no {ReviewQueue.HIGH.partition(':')[0]} can read.",
        inject,
        restore,
        realism=Realism.SIMULATED,
        simulated_because=_NOT_DAMAGE,
    )
