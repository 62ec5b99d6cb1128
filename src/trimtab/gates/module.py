"""Builds the release gates' monitor and its parts."""

from pathlib import Path

from trimtab.gates.actions import actions
from trimtab.gates.faults import faults
from trimtab.gates.monitor import GateMonitor
from trimtab.gates.signals import signals
from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module


def build(env: Environment) -> Module:
    """Return the monitor of the configured project or the sample project."""
    settings = env.settings.gates
    project, keys = (Path(p) if p else None for p in (settings.project, settings.keys))
    monitor = GateMonitor(env.directory.folder("gates"), env.clock, project, keys)

    def start() -> None:
        # Checking the sample project costs processor time that only drills need.
        if settings.project or env.settings.service.drills:
            monitor.start(settings.interval_seconds)

    return Module(
        "gates",
        monitor,
        signals=signals(monitor),
        actions=actions(monitor),
        faults=faults(monitor),
        tasks=(monitor.task,),
        start=(start,),
        close=(monitor.close,),
    )
