"""Receives alerts from outside, groups them and reports them to the incidents."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from trimtab.incidents.errors import IncidentUnknown, TooManyAlerts, WebhookUnknown
from trimtab.incidents.intake.alertmanager import parse_posted, parse_webhook
from trimtab.incidents.intake.config import IntakeConfig
from trimtab.incidents.intake.mapping import parse_mapped
from trimtab.incidents.intake.merge import Flapping, merge
from trimtab.incidents.intake.model import (
    DECLARED,
    RULES,
    Batch,
    IntakeCounts,
    ReceivedAlert,
    ReceivedState,
    StoredAlert,
)
from trimtab.incidents.intake.store import AlertStore
from trimtab.incidents.intake.suppression import Suppression
from trimtab.incidents.model import IncidentAlert
from trimtab.incidents.prometheus import expression_of
from trimtab.incidents.service import Incidents
from trimtab.incidents.triage import group_key
from trimtab.infra.settings.sections.incidents import IncidentSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import content_id

_log = logging.getLogger(__name__)
_AT_ONCE = 5000
_STORM = "alert-storm"
_STORM_TITLE = "Alert storm: more groups of alerts than incidents may open"
_STORM_WINDOW = timedelta(minutes=1)
_RECHECK = timedelta(seconds=10)
"""Shortest time between two full checks of what is suppressed; a new silence does not wait."""


@dataclass(frozen=True, slots=True)
class IntakeContext:
    """Dependencies of the intake."""

    store: AlertStore
    incidents: Incidents
    suppression: Suppression
    config: IntakeConfig
    settings: IncidentSettings
    clock: Clock
    rule_fires: Callable[[str], bool]
    """Whether an alert of trimtab's own rules fires, by its fingerprint."""


class AlertIntake:
    """Stores received alerts, then reports them to the incidents.

    A request is answered when its alerts are stored in one transaction. `process` reports them
    afterwards and may be repeated: an incident knows its alerts by their fingerprints, so a crash
    in between neither loses nor doubles any.

    Args:
        context: Dependencies.
        wake: Asks for `process` soon, in another thread.
    """

    def __init__(self, context: IntakeContext, wake: Callable[[], object] = lambda: None) -> None:
        self._context = context
        self._store = context.store
        self._wake = wake
        self._lock = threading.Lock()
        self._opened: deque[datetime] = deque()
        self._checked: datetime | None = None
        settings = context.settings
        window = timedelta(minutes=settings.flapping_window_minutes)
        self._flapping = Flapping(settings.flapping_changes, window)
        context.suppression.note(self._store.firing())

    def receive_posted(self, document: object) -> IntakeCounts:
        """Store the alerts of a request in the format of Prometheus and `amtool`."""
        return self.receive(parse_posted(document, self._context.clock.now()))

    def receive_webhook(self, document: object) -> IntakeCounts:
        """Store the alerts of a webhook of Alertmanager, version 4."""
        return self.receive(parse_webhook(document, self._context.clock.now()))

    def receive_mapped(self, name: str, document: object) -> IntakeCounts:
        """Store the alerts of another system's webhook, by its mapping.

        Raises:
            WebhookUnknown: No mapping has that name.
        """
        mapping = self._context.config.webhooks.get(name)
        if mapping is None:
            known = ", ".join(sorted(self._context.config.webhooks)) or "none"
            raise WebhookUnknown(f"There is no webhook {name[:60]!r}; configured: {known}.")
        return self.receive(parse_mapped(mapping, document, self._context.clock.now()))

    def receive(self, batch: Batch) -> IntakeCounts:
        """Store a batch in one transaction, and return the counts of its results.

        Raises:
            TooManyAlerts: It would exceed `incidents.alerts_limit`; nothing of it is stored.
        """
        now = self._context.clock.now()
        fired = repeated = resolved = unknown = 0
        changed: list[StoredAlert] = []
        with self._store.write() as connection:
            known = self._store.known(connection, [each.fingerprint for each in batch.alerts])
            self._check_room(len(batch.alerts) - len(known))
            for alert in batch.alerts:
                before = known.get(alert.fingerprint)
                after = merge(before, alert, now, self._flapping)
                if after is None:
                    unknown += 1
                    continue
                if alert.resolved:
                    resolved += 1
                elif before is not None and before.firing:
                    repeated += 1
                else:
                    fired += 1
                    after = replace(after, group_key=self._group_of(alert))
                changed.append(after)
            self._store.save(connection, changed)
        self._context.suppression.note(changed)
        if any(alert.pending for alert in changed):
            self._wake()
        return IntakeCounts(fired, repeated, resolved, unknown, batch.refused)

    def process(self) -> int:
        """Report everything that is new to the incidents; return the number of groups.

        Safe to repeat and to call from several threads.
        """
        with self._lock:
            now = self._context.clock.now()
            self._end_overdue(now)
            self._judge_suppression(now)
            reported, failed = 0, set[str]()
            while found := self._store.pending(_AT_ONCE, failed):
                unsuppressed = self._suppressed_apart(found)
                for group, alerts in groupby(unsuppressed, key=lambda alert: alert.group_key):
                    if self._try_report(group, list(alerts)):
                        reported += 1
                    else:
                        failed.add(group)
            return reported

    def tidy(self) -> int:
        """Delete alerts that ended long ago; return their number."""
        keep = timedelta(days=self._context.settings.alerts_keep_days)
        return self._store.forget_before(self._context.clock.now() - keep)

    def incident_of(self, fingerprint: str) -> str:
        """Return the id of the incident of an alert; empty when it has none."""
        found = self._store.get(fingerprint)
        return "" if found is None else found.incident_id

    def end_declared(self, fingerprint: str) -> None:
        """End the alert that stands for a declared incident, and report it."""
        now = self._context.clock.now()
        with self._store.write() as connection:
            known = self._store.known(connection, (fingerprint,)).get(fingerprint)
            if known is not None and known.firing:
                over = replace(
                    known,
                    state=ReceivedState.RESOLVED,
                    ends_at=now,
                    updated_at=now,
                    pending=True,
                )
                self._store.save(connection, [over])
        self.process()

    def mutes(self, alert: IncidentAlert) -> bool:
        """Return whether a silence or maintenance window mutes an alert of trimtab's own rules."""
        return bool(self._context.suppression.muting(alert.labels, self._context.clock.now()))

    def hold(self, alert: IncidentAlert) -> None:
        """Keep a muted alert of trimtab's own rules, to report it when it is no longer muted."""
        now = self._context.clock.now()
        held = StoredAlert(
            fingerprint=alert.fingerprint,
            name=alert.name,
            labels=alert.labels,
            annotations=alert.annotations,
            source=RULES,
            state=ReceivedState.FIRING,
            starts_at=alert.fired_at,
            ends_at=None,
            updated_at=now,
            group_key=group_key(alert),
            pending=True,
            suppressed_by=self._context.suppression.muting(alert.labels, now),
        )
        with self._store.write() as connection:
            self._store.save(connection, [held])

    def release(self, fingerprint: str, at: datetime) -> None:
        """Forget a held alert of trimtab's own rules that is over."""
        with self._store.write() as connection:
            held = self._store.known(connection, (fingerprint,)).get(fingerprint)
            if held is not None and held.source == RULES and held.firing:
                over = replace(held, state=ReceivedState.RESOLVED, pending=False, updated_at=at)
                self._store.save(connection, [over])

    def _check_room(self, more: int) -> None:
        limit = self._context.settings.alerts_limit
        if more > 0 and self._store.count() + more > limit:
            raise TooManyAlerts(f"{limit} received alerts are stored already.")

    def _group_of(self, alert: ReceivedAlert) -> str:
        if alert.source == DECLARED:
            return alert.fingerprint
        if alert.labels.get("component"):
            return group_key(_incident_alert(alert))
        labels = alert.group_labels or tuple(
            (name, alert.labels.get(name, "")) for name in self._context.config.group_by
        )
        return content_id("group", *(f"{name}={value}" for name, value in labels))

    def _end_overdue(self, now: datetime) -> None:
        if not self._store.is_overdue(now):
            return  # A write transaction every few seconds would be for nothing.
        with self._store.write() as connection:
            ended = [
                replace(
                    alert,
                    state=ReceivedState.RESOLVED if alert.flapping else ReceivedState.EXPIRED,
                    flapping=False,
                    pending=True,
                    updated_at=now,
                )
                for alert in self._store.over(connection, now)
            ]
            self._store.save(connection, ended)
        self._context.suppression.note(ended)

    def _judge_suppression(self, now: datetime) -> None:
        """Judge every firing alert again when silences, windows or inhibiting alerts changed."""
        due = self._checked is None or now - self._checked >= _RECHECK
        if not due or not self._context.suppression.changed(now):
            return
        self._checked = now
        self._suppressed_apart(self._store.firing())

    def check_now(self) -> None:
        """Judge what is suppressed at the next `process`, and ask for it soon."""
        self._checked = None
        self._wake()

    def _suppressed_apart(self, alerts: Iterable[StoredAlert]) -> list[StoredAlert]:
        """Store which alerts are suppressed; return the others."""
        now, suppression = self._context.clock.now(), self._context.suppression
        others, changed = [], []
        for alert in alerts:
            by = suppression.of(alert, now) if alert.firing else ()
            if by != alert.suppressed_by:
                changed.append(replace(alert, suppressed_by=by))
            if not by:
                others.append(replace(alert, suppressed_by=()))
        self._store.mark_suppressed(changed)
        return others

    def _try_report(self, group: str, alerts: list[StoredAlert]) -> bool:
        """Report the alerts of a group; log an error, so that the other groups are reported."""
        try:
            self._report(group, alerts)
        # A group that cannot be reported now is tried again at the next run.
        except Exception:  # noqa: BLE001
            _log.exception("alerts cannot be reported to their incident")
            return False
        return True

    def _report(self, group: str, alerts: list[StoredAlert]) -> None:
        ended = [alert for alert in alerts if not alert.firing]
        firing = [alert for alert in alerts if alert.firing and self._still_fires(alert)]
        for alert in alerts:
            if alert.firing and not self._still_fires(alert):
                self.release(alert.fingerprint, self._context.clock.now())
        self._report_ended(ended)
        self._store.mark_reported(ended, "", group)
        if firing:
            title = ""
            if self._is_storm(group):
                group, title = _STORM, _STORM_TITLE
            begun = self._context.clock.now()
            given = [_incident_alert(alert) for alert in firing]
            incident = self._context.incidents.alerts_fired(group, given, title)
            if incident.episode.opened_at >= begun:
                self._opened.append(incident.episode.opened_at)
            self._store.mark_reported(firing, incident.id, group)

    def _still_fires(self, alert: StoredAlert) -> bool:
        return alert.source != RULES or self._context.rule_fires(alert.fingerprint)

    def _is_storm(self, group: str) -> bool:
        """Return whether the group has no open incident and too many were opened just now."""
        now = self._context.clock.now()
        while self._opened and now - self._opened[0] > _STORM_WINDOW:
            self._opened.popleft()
        full = len(self._opened) >= self._context.settings.storm_incidents
        return full and not self._context.incidents.is_open(group)

    def _report_ended(self, ended: Sequence[StoredAlert]) -> None:
        by_incident: dict[tuple[str, ReceivedState], list[StoredAlert]] = {}
        for alert in ended:
            if alert.incident_id:
                by_incident.setdefault((alert.incident_id, alert.state), []).append(alert)
        for (incident_id, state), alerts in by_incident.items():
            quiet = {each.fingerprint: each.ends_at or each.updated_at for each in alerts}
            try:
                text = _ended_text(state, alerts)
                self._context.incidents.alerts_quiet(incident_id, quiet, text)
            except IncidentUnknown:
                _log.warning("an alert names an incident that is gone")


def _ended_text(state: ReceivedState, alerts: Sequence[StoredAlert]) -> str:
    what = f"Alert {alerts[0].name}" if len(alerts) == 1 else f"{len(alerts)} alerts"
    single = len(alerts) == 1
    if state is ReceivedState.EXPIRED:
        verb = "is" if single else "are"
        return f"{what} {verb} no longer repeated by the sender: whether it is over is unknown."
    return f"{what} {'is' if single else 'are'} quiet."


def _incident_alert(alert: ReceivedAlert | StoredAlert) -> IncidentAlert:
    return IncidentAlert(
        fingerprint=alert.fingerprint,
        name=alert.name,
        labels=alert.labels,
        annotations=alert.annotations,
        value=_value_of(alert),
        fired_at=alert.starts_at,
        source="" if alert.source == RULES else alert.source,
        expression=expression_of(alert.generator_url),
    )


def _value_of(alert: ReceivedAlert | StoredAlert) -> float:
    try:
        return float(alert.annotations.get("value", "0"))
    except ValueError:
        return 0.0
