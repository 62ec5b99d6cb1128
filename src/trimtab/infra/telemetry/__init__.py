"""Telemetry of the service: JSON logs and Prometheus metrics."""

from trimtab.infra.telemetry.log_counters import LogCounters
from trimtab.infra.telemetry.log_files import LogFiles
from trimtab.infra.telemetry.logs import configure_logs
from trimtab.infra.telemetry.metrics import SignalCollector, new_registry

__all__ = ["LogCounters", "LogFiles", "SignalCollector", "configure_logs", "new_registry"]
