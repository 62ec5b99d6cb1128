"""Alerts that still fire long after the drill in whose incident they are."""

from datetime import datetime, timedelta

from trimtab.incidents.context import IncidentContext
from trimtab.incidents.model import IncidentAlert

_AFTER_DRILL = timedelta(minutes=15)
"""Time in which the fault of a drill may still show; then an alert is no longer the drill's."""


def outlasting_alerts(context: IncidentContext, ended: datetime) -> list[IncidentAlert]:
    """Return the alerts of drills' incidents that users have to know of.

    The rules report changes only, so nothing else would report an alert that continues to fire. One
    that is marked as a drill's joins its incident again.

    Args:
        context: Dependencies of the stages.
        ended: When the last drill ended.
    """
    if context.now() - ended < _AFTER_DRILL:
        return []
    return [
        each.alert
        for incident in context.store.find(active=True, drills=True, limit=None)
        for each in incident.alerts
        if each.firing and context.firing(each.alert)
    ]
