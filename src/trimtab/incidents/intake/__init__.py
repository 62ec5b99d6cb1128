"""Alerts from outside: Alertmanager, Prometheus and webhooks, with silences and inhibition."""

from trimtab.incidents.intake.model import (
    IntakeCounts,
    Matcher,
    ReceivedState,
    Silence,
    StoredAlert,
)
from trimtab.incidents.intake.service import AlertIntake
from trimtab.incidents.intake.silences import SilenceRequest, Silences

__all__ = [
    "AlertIntake",
    "IntakeCounts",
    "Matcher",
    "ReceivedState",
    "Silence",
    "SilenceRequest",
    "Silences",
    "StoredAlert",
]
