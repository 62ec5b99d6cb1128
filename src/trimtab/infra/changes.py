"""What people changed while this process runs, so that a change that brought errors can be rolled back."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Conflict
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Catalog,
    Effect,
    Risk,
    Sample,
    Signal,
)

_LONGEST = 100


class NothingToRollBack(Conflict):
    """No recorded change of the configuration is left to undo."""

    code = "service.nothing_to_roll_back"
    default_hint = (
        "A release is rolled back by installing the former version; see the page rollback."
    )


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """An action that somebody ran and that can be undone."""

    at: datetime
    monotonic: float
    """The same instant on the clock's monotonic scale."""
    actor: str
    action: str
    undo_arguments: Arguments


class ChangeLog:
    """The newest changes of the configuration at run time. Safe for many threads.

    Changes of a settings file take a restart, and a restart begins an empty log: they are in the audit chain only.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._changes: list[RecordedChange] = []

    def record(self, actor: str, action: str, undo_arguments: Arguments | None) -> None:
        """Note that an action was run; one that changed nothing has no undo arguments and is left out."""
        if undo_arguments is None:
            return
        change = RecordedChange(
            self._clock.now(), self._clock.monotonic(), actor, action, dict(undo_arguments)
        )
        with self._lock:
            self._changes = [*self._changes, change][-_LONGEST:]

    def newest(self) -> RecordedChange | None:
        """Return the newest change that was not rolled back, or None."""
        with self._lock:
            return self._changes[-1] if self._changes else None

    def forget(self, change: RecordedChange) -> None:
        """Take a change out that was rolled back."""
        with self._lock:
            self._changes = [kept for kept in self._changes if kept is not change]

    def age_seconds(self) -> float:
        """Return how long ago the newest change was; NaN when there is none."""
        change = self.newest()
        return math.nan if change is None else self._clock.monotonic() - change.monotonic


def signals(changes: ChangeLog) -> tuple[Signal, ...]:
    """Return what can be measured about changes."""
    return (
        Signal(
            "service.change.age",
            "seconds",
            "Time since the newest change of the configuration at run time that was not rolled back.",
            lambda: [Sample(changes.age_seconds())],
            metric="service_change_age_seconds",
        ),
    )


def actions(changes: ChangeLog, catalog: Callable[[], Catalog]) -> tuple[Action, ...]:
    """Return the rollback of the newest change."""

    def newest() -> RecordedChange:
        change = changes.newest()
        if change is None:
            raise NothingToRollBack("No change of the configuration is recorded.")
        return change

    def run(_: Arguments, context: ActionContext) -> ActionResult:
        change = newest()
        undo = catalog().action(change.action).undo
        if undo is None:
            raise NothingToRollBack(f"{change.action} cannot be undone.")
        result = undo(change.undo_arguments, context)
        changes.forget(change)
        facts = {"action": change.action, "actor": change.actor, "at": change.at.isoformat()}
        return ActionResult(f"Rolled back {change.action}: {result.summary}", facts)

    def dry_run(_: Arguments, __: ActionContext) -> ActionResult:
        change = newest()
        return ActionResult(
            f"{change.action}, run by {change.actor} at {change.at:%H:%M:%S}, would be undone.",
            {"action": change.action, "undo_arguments": dict(change.undo_arguments)},
        )

    return (
        Action(
            "service.change.rollback",
            "Undo the newest change of the configuration that was made at run time.",
            Risk.APPROVAL,
            run,
            dry_run,
            no_undo_because="whoever made the change can make it again by the same action",
            effect=Effect.IRREVERSIBLE,
        ),
    )
