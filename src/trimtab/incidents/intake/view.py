"""View of received alerts and silences for the stages of incidents."""

from collections.abc import Mapping, Sequence

from trimtab.incidents.intake.model import ReceivedState
from trimtab.incidents.intake.store import AlertStore
from trimtab.incidents.intake.suppression import Suppression
from trimtab.kernel.clock import Clock


class ReceivedAlerts:
    """Implements `OutsideAlerts` on the stored alerts.

    Args:
        store: Of the received alerts.
        suppression: Knows the active silences.
        clock: Of the service.
    """

    def __init__(self, store: AlertStore, suppression: Suppression, clock: Clock) -> None:
        self._store = store
        self._suppression = suppression
        self._clock = clock

    def firing(self, fingerprint: str) -> bool:
        """Return whether the alert of that fingerprint fires, as far as its sender has said."""
        found = self._store.get(fingerprint)
        return found is not None and found.firing

    def firing_in(self, incident_id: str) -> int:
        """Return the number of firing alerts that belong to the incident."""
        return self._store.counts(incident_id).get(ReceivedState.FIRING, 0)

    def unknown_in(self, incident_id: str) -> bool:
        """Return whether a sender has stopped repeating an alert without ending it."""
        return self._store.counts(incident_id).get(ReceivedState.EXPIRED, 0) > 0

    def silenced(self, incident_id: str, rules: Sequence[Mapping[str, str]]) -> bool:
        """Return whether every firing alert of the incident is silenced; False when none fires."""
        counts = self._store.counts(incident_id)
        received, now = counts.get(ReceivedState.FIRING, 0), self._clock.now()
        if not received and not rules:
            return False
        muted = all(self._suppression.muting(labels, now) for labels in rules)
        return muted and counts.get("muted", 0) == received
