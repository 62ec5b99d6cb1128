"""Component health: one registry, rendered in every shape that the contract asks for."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.redaction import hide_credentials, hide_in

_log = logging.getLogger(__name__)


class Status(StrEnum):
    """State of a component: up, degraded or down."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """Result of one health probe."""

    status: Status
    detail: str = ""
    """Why it is not up; empty when it is."""
    latency_ms: float | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    """JSON-ready extras, such as ``model``."""

    def without_credentials(self) -> "ComponentHealth":
        """Return a copy without credentials, for callers without a key."""
        facts = {name: hide_in(value) for name, value in self.facts.items()}
        return replace(self, detail=hide_credentials(self.detail), facts=facts)


Probe = Callable[[], ComponentHealth]


class Health:
    """Registry of named probes; a probe that raises counts as down."""

    def __init__(self, clock: Clock) -> None:
        self._machine = machine_clock(clock)
        self._probes: dict[str, Probe] = {}
        self._lock = threading.Lock()

    def register(self, component: str, probe: Probe) -> None:
        """Add a component. A name may be registered once."""
        with self._lock:
            if component in self._probes:
                raise ValueError(f"component {component!r} is registered twice")
            self._probes[component] = probe

    def components(self) -> frozenset[str]:
        """Return the names of the registered components."""
        with self._lock:
            return frozenset(self._probes)

    def forget(self, component: str) -> None:
        """Remove a component that this process does not have."""
        with self._lock:
            del self._probes[component]

    def check(self) -> dict[str, ComponentHealth]:
        """Run every probe now, in the order of registration."""
        with self._lock:
            probes = dict(self._probes)
        return {
            name: self._run(name, probe).without_credentials() for name, probe in probes.items()
        }

    def _run(self, name: str, probe: Probe) -> ComponentHealth:
        started = self._machine.monotonic()
        try:
            found = probe()
        # A failing probe is a finding, not a failure of the check.
        except Exception as error:  # noqa: BLE001
            _log.warning("health probe failed", extra={"component": name}, exc_info=True)
            return ComponentHealth(Status.DOWN, f"{type(error).__name__}: {error}")
        if found.latency_ms is not None:
            return found
        elapsed_ms = (self._machine.monotonic() - started) * 1000
        return ComponentHealth(found.status, found.detail, round(elapsed_ms, 3), found.facts)


def overall(components: Mapping[str, ComponentHealth]) -> Status:
    """Return up when all are up, down when all are down, otherwise degraded."""
    states = {component.status for component in components.values()}
    if states <= {Status.UP}:
        return Status.UP
    return Status.DOWN if states == {Status.DOWN} else Status.DEGRADED
