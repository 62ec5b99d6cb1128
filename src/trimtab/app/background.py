"""The background tasks of a running service, for its metrics."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trimtab.kernel.tasks import Task

if TYPE_CHECKING:
    from trimtab.app.compose import App


def background_tasks(app: "App") -> Iterator[Task]:
    """Yield every task that the service has started or will start."""
    yield from app.knowledge.background.tasks
    yield from app.answers.tasks
    yield app.gates.task
    yield app.delivery.task
    yield app.watcher.task
    yield app.handbook.task
    yield from app.scheduler.tasks
