"""Signals of the fleet."""

import math

from trimtab.infra.fleet.service import Fleet
from trimtab.kernel.errors import Unavailable
from trimtab.kernel.operable import Sample, Signal


def signals(fleet: Fleet) -> tuple[Signal, ...]:
    """Return how many processes live, whether this one leads, and what waits for the slowest."""

    def processes() -> list[Sample]:
        try:
            states = [process.is_live for process in fleet.processes()]
        except Unavailable:
            return [Sample(math.nan, {"state": state}) for state in ("live", "lost")]
        return [
            Sample(float(states.count(True)), {"state": "live"}),
            Sample(float(states.count(False)), {"state": "lost"}),
        ]

    def silence() -> list[Sample]:
        return [Sample(fleet.silent_seconds)]

    return (
        Signal(
            "fleet.processes",
            "processes",
            "Processes on this database: live, or lost and not yet replaced.",
            processes,
            ("state",),
        ),
        Signal(
            "fleet.leads",
            "1",
            "1 in the process that runs what only one process runs.",
            lambda: [Sample(float(fleet.leads()))],
        ),
        Signal(
            "fleet.silent_seconds",
            "seconds",
            "Time since this process last reached the fleet's database; 0 on SQLite.",
            silence,
        ),
    )
