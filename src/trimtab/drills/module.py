"""Builds the drills of a running service."""

from collections.abc import Callable
from dataclasses import dataclass

from trimtab.drills.runner import DrillRunner
from trimtab.incidents import AlertMonitor, Incidents, Proofs
from trimtab.kernel.clock import Clock
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Catalog
from trimtab.runbooks import Library


@dataclass(frozen=True, slots=True)
class DrilledService:
    """The parts of the running service that a drill uses."""

    library: Library
    catalog: Catalog
    incidents: Incidents
    monitor: AlertMonitor
    proofs: Proofs
    clock: Clock
    waiting: Callable[[float], object]

    def wait(self, seconds: float) -> None:
        """Wait on the service's clock; return early when the process ends."""
        self.waiting(seconds)


def build(service: DrilledService) -> Module:
    """Return the drill runner; closing it stops running drills and restores their faults."""
    runner = DrillRunner(service)
    return Module("drills", runner, close=(runner.stop,))
