"""Builds the monitoring of models."""

from datetime import datetime, timedelta
from functools import partial

from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module
from trimtab.kernel.tasks import ScheduledTask
from trimtab.models.monitoring.actions import actions
from trimtab.models.monitoring.faults import faults
from trimtab.models.monitoring.registered import registered_reference
from trimtab.models.monitoring.served import ServedObserver
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.monitoring.signals import signals
from trimtab.models.monitoring.status import DRILL_PREFIX, MonitoringOptions
from trimtab.models.monitoring.store import MonitoringStore
from trimtab.models.service import Models

_LOOK_SECONDS = 15.0
_CLEAN_SECONDS = 3600.0
_NOTE_EVERY = timedelta(hours=1)


class ChangeNotes:
    """Notes imports of observations in the audit chain, each model once an hour."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._noted: dict[str, datetime] = {}

    def note(self, actor: str, action: str, subject: str) -> None:
        """Note an import, unless one of this model was noted within the hour."""
        now = self._env.clock.now()
        last = self._noted.get(subject)
        if subject.startswith(DRILL_PREFIX) or (last and now - last < _NOTE_EVERY):
            return
        self._noted[subject] = now
        self._env.audit.append(actor, action, subject)


def build(env: Environment, models: Models) -> Module:
    """Return the monitoring of models.

    Args:
        env: Of the process.
        models: The registry, whose versions bring their references along.
    """
    settings = env.settings.models
    options = MonitoringOptions(
        timedelta(minutes=settings.monitoring_window_minutes),
        timedelta(minutes=settings.monitoring_recent_minutes),
        timedelta(days=settings.keep_observations_days),
        settings.drift_p1,
    )
    monitor = ModelMonitor(
        MonitoringStore(models.context.database),
        env.clock,
        options,
        ChangeNotes(env).note,
        partial(registered_reference, models.registry),
    )
    observer = ServedObserver(monitor)
    models.serving.observers.append(observer.observe)

    def look() -> None:
        observer.flush()
        monitor.run_once()

    return Module(
        "model_monitoring",
        monitor,
        signals=signals(monitor),
        actions=actions(monitor),
        faults=faults(monitor),
        scheduled=(
            ScheduledTask("judge models", _LOOK_SECONDS, look),
            ScheduledTask("delete old observations", _CLEAN_SECONDS, monitor.drop_old),
        ),
    )
