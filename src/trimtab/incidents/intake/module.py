"""Builds the intake of alerts: its records first, because the stages of incidents read them."""

from collections.abc import Sequence
from dataclasses import dataclass

from trimtab.incidents.intake.config import IntakeConfig, load_config
from trimtab.incidents.intake.model import ReceivedState, Silence, SilenceState
from trimtab.incidents.intake.service import AlertIntake, IntakeContext
from trimtab.incidents.intake.silences import Silences
from trimtab.incidents.intake.store import AlertStore
from trimtab.incidents.intake.suppression import Suppression
from trimtab.incidents.intake.view import ReceivedAlerts
from trimtab.incidents.ports import AlertMonitor
from trimtab.incidents.service import Incidents
from trimtab.infra.background import Worker
from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Sample, Signal
from trimtab.kernel.tasks import ScheduledTask

_LOOK_SECONDS = 5.0
_TIDY_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class ReceivedRecords:
    """Received alerts and silences as they are stored."""

    store: AlertStore
    config: IntakeConfig
    suppression: Suppression
    view: ReceivedAlerts


def build_records(env: Environment) -> Module:
    """Return the stored alerts and silences, whose signals belong to the catalog.

    Raises:
        AlertsFileRefused: The file of grouping and inhibition cannot be used.
    """
    store, config = AlertStore(env.state), load_config(env.settings.incidents.alerts_file)
    suppression = Suppression(config, store.silences())
    view = ReceivedAlerts(store, suppression, env.clock)
    records = ReceivedRecords(store, config, suppression, view)
    return Module("received alerts", records, signals=_signals(env, store))


def build(
    env: Environment, records: ReceivedRecords, incidents: Incidents, monitor: AlertMonitor
) -> Module:
    """Return the intake with its thread.

    Args:
        env: Of the process.
        records: Of `build_records`.
        incidents: Are opened for alerts.
        monitor: Knows which of trimtab's own alerts fire.
    """
    context = IntakeContext(
        store=records.store,
        incidents=incidents,
        suppression=records.suppression,
        config=records.config,
        settings=env.settings.incidents,
        clock=env.clock,
        rule_fires=monitor.firing,
    )
    # One waiting wake-up is enough: each run reports everything that is pending.
    worker: Worker[str] = Worker("alert intake", lambda _: intake.process(), env.clock, capacity=1)
    intake = AlertIntake(context, lambda: worker.put("wake"))
    return Module(
        "alert intake",
        intake,
        tasks=(worker,),
        scheduled=(
            ScheduledTask("report received alerts", _LOOK_SECONDS, lambda: worker.put("look")),
            ScheduledTask("forget old alerts", _TIDY_SECONDS, intake.tidy),
        ),
        start=(worker.start,),
        close=(worker.close,),
    )


def build_silences(env: Environment, records: ReceivedRecords, intake: AlertIntake) -> Module:
    """Return the silences, whose changes take effect at once.

    Args:
        env: Of the process.
        records: Of `build_records`.
        intake: Judges the alerts again after a change.
    """

    def apply(silences: Sequence[Silence]) -> None:
        records.suppression.replace_silences(silences)
        intake.check_now()

    return Module("silences", Silences(records.store, env.audit, env.clock, apply))


def _signals(env: Environment, store: AlertStore) -> tuple[Signal, ...]:
    def received() -> list[Sample]:
        counts = store.totals()
        return [Sample(counts.get(state, 0), {"state": state}) for state in ReceivedState]

    def active() -> list[Sample]:
        now = env.clock.now()
        states = [silence.state(now) for silence in store.silences()]
        return [Sample(states.count(SilenceState.ACTIVE))]

    return (
        Signal(
            "incidents.received_alerts",
            "alerts",
            "Alerts received from outside, by what their sender has said last.",
            received,
            labels=("state",),
        ),
        Signal("incidents.silences_active", "silences", "Silences that are active now.", active),
    )
