"""Opens and reopens incidents for alerts, and attaches alerts to open ones."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from trimtab.incidents.attach import ATTACHED_LIMIT, attached, fired, reopened
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.errors import GroupOpen
from trimtab.incidents.model import AttachedAlert, Episode, Incident, IncidentAlert
from trimtab.incidents.state import State
from trimtab.incidents.transition import NewEntry
from trimtab.incidents.triage import component_of, title_of
from trimtab.kernel.drilling import is_marked
from trimtab.kernel.ids import content_id

_LISTED = 10
"""Alerts of one batch with a journal entry of their own; the others share one."""
_TRIES = 3
_RECURRENCE = timedelta(days=30)
_EARLIER = 5


class Opening:
    """Finds or makes the incident of a group of alerts; not safe to share by threads.

    Args:
        context: Dependencies of the stages.
        drilling: Returns whether a drill is running.
    """

    def __init__(self, context: IncidentContext, drilling: Callable[[], bool]) -> None:
        self._context = context
        self._store = context.store
        self._drilling = drilling

    def place(
        self, group: str, alerts: Sequence[IncidentAlert], title: str = ""
    ) -> tuple[Incident, bool]:
        """Open or reopen the group's incident for the alerts, or attach them to the open one.

        Args:
            group: The key of the group.
            alerts: At least one, the first to fire first.
            title: Of a new incident; that of the first alert when empty.

        Returns:
            The incident, and whether its job has to be woken.
        """
        for _ in range(_TRIES):
            with suppress(GroupOpen):  # Another process was faster: join its incident.
                return self._place(group, alerts, title)
        return self._place(group, alerts, title)

    def _place(
        self, group: str, alerts: Sequence[IncidentAlert], title: str
    ) -> tuple[Incident, bool]:
        latest = self._store.latest_of_group(group)
        first = alerts[0]
        if latest is None:
            return self._open(group, alerts, title), False
        if latest.active and (not latest.drill or self.of_drill(first)):
            return self._join(latest, alerts)
        if any(self._comes_back(latest, alert) for alert in alerts):
            return self._reopen(latest, alerts), False
        return self._open(group, alerts, title), False

    def of_drill(self, alert: IncidentAlert) -> bool:
        """Return whether a drill has caused the alert.

        Its label says so. A rule whose series do not separate drills, such as the free space of a
        disk, cannot tell: its alerts while a drill runs count as the drill's.
        """
        if is_marked(alert.labels):
            return True
        if alert.source or not self._drilling():
            return False
        return not self._context.monitor.counts_drills_apart(alert.name)

    def _open(self, group: str, alerts: Sequence[IncidentAlert], title: str) -> Incident:
        now, first = self._context.now(), alerts[0]
        kept = tuple(AttachedAlert(each, firing=True, changed_at=now) for each in alerts)
        drill = self.of_drill(first)

        def make(incident_id: str) -> Incident:
            return Incident(
                id=incident_id,
                state=State.DETECTED,
                state_since=now,
                title=title or title_of(first),
                component=component_of(first),
                group_key=group,
                alerts=kept[:ATTACHED_LIMIT],
                episode=Episode(1, now),
                drill=drill,
            )

        entries = [*_entries(alerts, "opened"), *([] if drill else self._recurrence(group))]
        return self._store.open(make, f"INC-{now:%Y-%m%d}", entries)

    def _recurrence(self, group: str) -> list[NewEntry]:
        """Return an entry that names the earlier incidents of the group, if there are any."""
        since = self._context.now() - _RECURRENCE
        earlier = self._store.of_group_since(group, since)
        if not earlier:
            return []
        listed = ", ".join(earlier[:_EARLIER])
        count = len(earlier)
        times = "once" if count == 1 else f"{count} times"
        text = f"Recurs: these alerts opened an incident {times} in the last 30 days ({listed})."
        return [NewEntry("recurs", text, facts={"earlier": earlier})]

    def _join(self, incident: Incident, alerts: Sequence[IncidentAlert]) -> tuple[Incident, bool]:
        now = self._context.now()
        known = {each.alert.fingerprint for each in incident.alerts if each.firing}
        fresh = [alert for alert in alerts if alert.fingerprint not in known]
        if not fresh:
            return incident, False

        def join(before: Incident) -> Incident:
            for alert in fresh:
                before = attached(before, alert, now)
            return before

        # A storm would otherwise write ten lines with each of its batches.
        listed = _LISTED if len(incident.alerts) < ATTACHED_LIMIT else 0
        entries = _entries(fresh, "joined", listed)
        return self._store.change(incident.id, join, now, entries), True

    def _reopen(self, incident: Incident, alerts: Sequence[IncidentAlert]) -> Incident:
        now = self._context.now()

        def reopen(before: Incident) -> Incident:
            after = reopened(before, alerts[0], now)
            for alert in alerts[1:]:
                after = attached(after, alert, now)
            return after

        return self._store.change(incident.id, reopen, now, _entries(alerts, "reopened"))

    def _comes_back(self, ended: Incident, alert: IncidentAlert) -> bool:
        if ended.active or ended.drill or self.of_drill(alert):
            return False
        if all(each.alert.fingerprint != alert.fingerprint for each in ended.alerts):
            return False
        since = alert.fired_at - (ended.episode.resolved_at or ended.episode.opened_at)
        return since.total_seconds() <= self._context.settings.reopen_window_minutes * 60


def _entries(alerts: Sequence[IncidentAlert], what: str, listed: int = _LISTED) -> list[NewEntry]:
    entries = [fired(alert, what) for alert in alerts[:listed]]
    rest = alerts[listed:]
    if rest:
        keys = sorted(f"{each.fingerprint}.{each.fired_at.isoformat()}" for each in rest)
        text = f"{len(rest)} more alerts fired; incident {what}."
        entries.append(
            NewEntry(f"{what}.{content_id('alerts', *keys)}", text, facts={"alerts": len(rest)})
        )
    return entries
