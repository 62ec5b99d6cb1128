"""Merges what a sender says of an alert with what is known of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trimtab.incidents.intake.model import ReceivedAlert, ReceivedState, StoredAlert


@dataclass(frozen=True, slots=True)
class Flapping:
    """Limits of an alert that changes too often."""

    changes: int
    window: timedelta

    @property
    def hold(self) -> timedelta:
        """Return how long a flapping alert must be quiet to count as over."""
        return self.window / 3


def merge(
    before: StoredAlert | None, alert: ReceivedAlert, now: datetime, flapping: Flapping
) -> StoredAlert | None:
    """Return the new record; None for an alert that has ended without having fired.

    What an ended alert says of its labels and annotations is not taken: its sender may leave them
    out.
    """
    if alert.resolved:
        return None if before is None else _ended(before, alert, now, flapping)
    if before is not None and before.firing and not _held(before):
        return replace(before, annotations=alert.annotations, ends_at=alert.ends_at, updated_at=now)
    fired = StoredAlert(
        fingerprint=alert.fingerprint,
        name=alert.name,
        labels=alert.labels,
        annotations=alert.annotations,
        source=alert.source,
        state=ReceivedState.FIRING,
        starts_at=alert.starts_at,
        ends_at=alert.ends_at,
        updated_at=now,
        group_key="" if before is None else before.group_key,
        generator_url=alert.generator_url,
        pending=True,
    )
    if before is None:
        return fired
    changes, since = _counted(before, now, flapping)
    return replace(
        fired,
        incident_id=before.incident_id,
        pending=not before.firing or before.pending,
        changes=changes,
        changes_since=since,
        times=before.times + (not before.firing),
    )


def _ended(
    before: StoredAlert, alert: ReceivedAlert, now: datetime, flapping: Flapping
) -> StoredAlert:
    if before.state is ReceivedState.RESOLVED or before.flapping:
        return replace(before, updated_at=now)
    ends = min(alert.ends_at or now, now)
    if before.state is ReceivedState.EXPIRED:
        # Its sender is back and knows now.
        return replace(
            before, state=ReceivedState.RESOLVED, ends_at=ends, updated_at=now, pending=True
        )
    changes, since = _counted(before, now, flapping)
    counted = replace(before, changes=changes, changes_since=since, updated_at=now)
    if changes >= flapping.changes:
        # It counts as firing until the hold is over; that end does not mean an expiry.
        return replace(counted, flapping=True, ends_at=now + flapping.hold)
    return replace(counted, state=ReceivedState.RESOLVED, ends_at=ends, pending=True)


def _held(alert: StoredAlert) -> bool:
    return alert.flapping


def _counted(before: StoredAlert, now: datetime, flapping: Flapping) -> tuple[int, datetime]:
    since = before.changes_since
    if since is None or now - since > flapping.window:
        return 1, now
    return before.changes + 1, since
