"""Builds the drills of a running service."""

from trimtab.drills.run import DrilledService
from trimtab.drills.runner import DrillRunner
from trimtab.kernel.module import Module


def build(service: DrilledService) -> Module:
    """Return the drill runner; closing it stops running drills and restores their faults."""
    runner = DrillRunner(service)
    return Module("drills", runner, close=(runner.stop,))
