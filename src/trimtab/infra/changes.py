"""Log of changes by runtime actions, new releases and new settings."""

import json
import logging
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from trimtab.infra.storage import Database
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Conflict, TrimtabError
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

_log = logging.getLogger(__name__)
_LONGEST = 100
_SHOWN_SETTINGS = 10
DRILL = "drill"
"""Actor of a drill's changes, which are kept in memory only, so that no drill leaves one behind."""

_changes = sa.table(
    "recorded_changes",
    *map(
        sa.column,
        ("id", "at", "actor", "kind", "action", "undo_arguments", "errors_before"),
    ),
)
_last_run = sa.table("last_run", *map(sa.column, ("id", "version", "settings", "recent_errors")))


class NothingToRollBack(Conflict):
    """There is no newest change, or trimtab cannot undo it."""

    code = "service.nothing_to_roll_back"
    default_hint = (
        "A release is rolled back by installing the former version; see the page rollback."
    )


class ChangeKind(StrEnum):
    """Kind of a change, which decides who can undo it."""

    ACTION = "action"
    """Run at run time; its undo action reverts it."""
    RELEASE = "release"
    """Came with a start; a person installs the former version."""
    SETTINGS = "settings"
    """Came with a start; a person restores the former values."""


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A change that may have caused errors."""

    at: datetime
    monotonic: float
    """The same time on the monotonic clock; negative when it was before this process."""
    actor: str
    action: str
    """The action's name, ``0.1.0 -> 0.2.0``, or the names of the settings."""
    undo_arguments: Arguments
    kind: ChangeKind = ChangeKind.ACTION
    errors_before: float | None = None
    """Errors in the two minutes before a start, NaN when unknown; None for a change at run time."""


class ChangeLog:
    """The newest changes, kept across restarts; thread-safe.

    Args:
        clock: The clock of the service.
        database: Holds the chain ``state``; None keeps everything in memory.
    """

    def __init__(self, clock: Clock, database: Database | None = None) -> None:
        self._clock = clock
        self._database = database
        self._lock = threading.Lock()
        self._changes: list[RecordedChange] = [] if database is None else self._read(database)

    def record(self, actor: str, action: str, undo_arguments: Arguments | None) -> None:
        """Record an action; one without undo arguments changed nothing and is ignored."""
        if undo_arguments is None:
            return
        now, monotonic = self._clock.now(), self._clock.monotonic()
        self._add(RecordedChange(now, monotonic, actor, action, dict(undo_arguments)))

    def note_start(self, version: str, settings: Mapping[str, str]) -> list[RecordedChange]:
        """Record a new release or new settings since the last run; return the changes.

        Args:
            version: The release that starts.
            settings: A digest of each setting's value, by name; see
                `trimtab.infra.settings.digest`.
        """
        if self._database is None:
            return []
        with self._database.read() as connection:
            last = connection.execute(sa.select(_last_run)).mappings().first()
        self._write_run(version, settings)
        if last is None:
            return []
        known = json.loads(last["settings"])
        # A setting that only one of the two releases has was not changed by a user.
        changed = [name for name in settings if name in known and known[name] != settings[name]]
        errors = math.nan if last["recent_errors"] is None else float(last["recent_errors"])
        found = []
        if changed:
            found.append(self._at_start(ChangeKind.SETTINGS, ", ".join(changed), errors))
        if last["version"] != version:
            text = f"{last['version']} -> {version}"
            found.append(self._at_start(ChangeKind.RELEASE, text, errors))
        for change in found:
            self._add(change)
        return found

    def note_stop(self, recent_errors: int) -> None:
        """Store the number of recent errors, for changes at the next start.

        Args:
            recent_errors: Failed questions of the last two minutes.
        """
        if self._database is None:
            return
        try:
            with self._database.write() as connection:
                connection.execute(sa.update(_last_run).values(recent_errors=recent_errors))
        except TrimtabError:
            # A full disk must not prevent the process from ending; the next start reports
            # "unknown".
            _log.warning(
                "the number of errors before the stop could not be recorded", exc_info=True
            )

    def newest(self) -> RecordedChange | None:
        """Return the newest change that was not rolled back, or None."""
        with self._lock:
            return self._changes[-1] if self._changes else None

    def forget(self, change: RecordedChange) -> None:
        """Remove a change that was rolled back."""
        with self._lock:
            self._changes = [kept for kept in self._changes if kept is not change]
            self._save()

    def age_seconds(self) -> float:
        """Return the age of the newest change in seconds; NaN when there is none."""
        change = self.newest()
        return math.nan if change is None else self._clock.monotonic() - change.monotonic

    def _at_start(self, kind: ChangeKind, text: str, errors: float) -> RecordedChange:
        now, monotonic = self._clock.now(), self._clock.monotonic()
        return RecordedChange(now, monotonic, "unknown", text, {}, kind, errors)

    def _add(self, change: RecordedChange) -> None:
        with self._lock:
            self._changes = [*self._changes, change][-_LONGEST:]
            self._save()

    def _save(self) -> None:
        # The whole list: it is short, and its limit then holds on disk too.
        if self._database is None:
            return
        kept = [change for change in self._changes if change.actor != DRILL]
        rows = [_row(number, change) for number, change in enumerate(kept)]
        with self._database.write() as connection:
            connection.execute(sa.delete(_changes))
            if rows:
                connection.execute(sa.insert(_changes), rows)

    def _read(self, database: Database) -> list[RecordedChange]:
        with database.read() as connection:
            rows = connection.execute(sa.select(_changes).order_by(_changes.c.id)).mappings()
            return [self._change(row) for row in rows]

    def _change(self, row: Mapping[Any, Any]) -> RecordedChange:
        at, kind = datetime.fromisoformat(row["at"]), ChangeKind(row["kind"])
        ago = (self._clock.now() - at).total_seconds()
        unknown = math.nan if row["errors_before"] is None else float(row["errors_before"])
        return RecordedChange(
            at,
            self._clock.monotonic() - ago,
            row["actor"],
            row["action"],
            json.loads(row["undo_arguments"]),
            kind,
            unknown,
        )

    def _write_run(self, version: str, settings: Mapping[str, str]) -> None:
        assert self._database is not None  # noqa: S101 - the caller has checked; for mypy.
        row = {"id": 1, "version": version, "settings": json.dumps(dict(settings))}
        with self._database.write() as connection:
            connection.execute(sa.delete(_last_run))
            # Unknown until an orderly stop writes the number; a crash leaves it unknown.
            connection.execute(sa.insert(_last_run).values(**row, recent_errors=None))


def _row(number: int, change: RecordedChange) -> dict[str, object]:
    known = change.errors_before is not None and not math.isnan(change.errors_before)
    return {
        "id": number,
        "at": change.at.isoformat(),
        "actor": change.actor,
        "kind": change.kind,
        "action": change.action,
        "undo_arguments": json.dumps(dict(change.undo_arguments)),
        "errors_before": int(change.errors_before or 0) if known else None,
    }


def signals(changes: ChangeLog) -> tuple[Signal, ...]:
    """Return the signals of recorded changes."""
    return (
        Signal(
            "service.change.age",
            "seconds",
            "Time since the newest change of release, settings or run-time configuration that was"
            " not rolled back.",
            lambda: [Sample(changes.age_seconds())],
            metric="service_change_age_seconds",
        ),
    )


def actions(changes: ChangeLog, catalog: Callable[[], Catalog]) -> tuple[Action, ...]:
    """Return the action that rolls back the newest change."""

    def newest() -> RecordedChange:
        change = changes.newest()
        if change is None:
            raise NothingToRollBack("No change of the configuration is recorded.")
        if change.kind is not ChangeKind.ACTION:
            raise _by_a_person(change)
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
            no_undo_because="the same action makes the change again",
            effect=Effect.IRREVERSIBLE,
        ),
    )


def _by_a_person(change: RecordedChange) -> NothingToRollBack:
    """Return the error that tells a person how to roll back the change."""
    at = f"{change.at:%Y-%m-%d %H:%M} UTC"
    if change.kind is ChangeKind.RELEASE:
        before = change.action.partition(" -> ")[0]
        return NothingToRollBack(
            f"A person has to roll back: the start of {at} brought another release"
            f" ({change.action}), and trimtab does not install itself.",
            hint=(
                f"Install version {before} again and restart the service, as the page rollback"
                " says."
            ),
        )
    names = change.action.split(", ")
    more = f" and {len(names) - _SHOWN_SETTINGS} more" if len(names) > _SHOWN_SETTINGS else ""
    return NothingToRollBack(
        f"A person has to roll back: the start of {at} brought other values of "
        f"{', '.join(names[:_SHOWN_SETTINGS])}{more}, and trimtab does not write its settings.",
        hint="Restore the former values and restart the service, as the page rollback says.",
    )
