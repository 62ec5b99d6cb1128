"""Builds the drills of a running service."""

from collections.abc import Callable

from trimtab.drills.run import DrilledService
from trimtab.drills.runner import DrillRunner
from trimtab.kernel.module import Module


def build(service: DrilledService, refused: Callable[[], str]) -> Module:
    """Return the drill runner; closing it stops running drills and restores their faults.

    Args:
        service: The service that is drilled.
        refused: Returns why no drill may start now; empty when one may.
    """
    runner = DrillRunner(service, refused)
    return Module("drills", runner, close=(runner.stop,))
