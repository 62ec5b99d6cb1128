"""Watches a service from a process of its own, and calls people when it is down."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trimtab.infra.notify.channels import Channel
from trimtab.infra.notify.outage import DESCRIPTION, SUBJECT
from trimtab.infra.notify.routes import Kind, Message
from trimtab.kernel.clock import Clock

_log = logging.getLogger(__name__)
CORE = ("database", "vector_store")
"""Components without which the service does not do its work."""

Probe = Callable[[], str]
"""Returns why the service is down; empty when it is up."""


class WatchState(StrEnum):
    """State of the service as the watchdog sees it."""

    UP = "up"
    FAILING = "failing"
    """Down, but not for long enough."""
    DOWN = "down"
    """Down for the time after which people are called."""


@dataclass(frozen=True, slots=True)
class WatchReport:
    """Result of one look."""

    finding: WatchState
    why: str
    """Why it is not up."""
    down_seconds: float
    called: tuple[str, ...]
    """Channels that have accepted the call of this outage."""
    text: str
    """What was found, in one sentence."""


class Watchdog:
    """Looks at a service and calls people once in an outage; it keeps nothing on disk.

    Args:
        probe: Asks the service.
        channels: The channels that reach people.
        clock: Measures the outage.
        down_after_seconds: How long an outage lasts before people are called.
    """

    def __init__(
        self, probe: Probe, channels: Sequence[Channel], clock: Clock, down_after_seconds: float
    ) -> None:
        self._probe = probe
        self._channels = tuple(channels)
        self._clock = clock
        self._down_after = down_after_seconds
        self._down_since: datetime | None = None
        self._called: dict[str, None] = {}

    def watch(
        self, interval_seconds: float, stop: threading.Event, tell: Callable[[WatchReport], object]
    ) -> None:
        """Look at the service until the event is set."""
        while not stop.is_set():
            tell(self.look())
            self._clock.wait(stop, interval_seconds)

    def look(self) -> WatchReport:
        """Ask the service once; call people when it has been down for long, or is back."""
        why, now = self._probe(), self._clock.now()
        if not why:
            return self._up(now)
        if self._down_since is None:
            self._down_since = now
        seconds = (now - self._down_since).total_seconds()
        if seconds < self._down_after:
            text = f"The service is down for {seconds:.0f} s: {why}"
            return WatchReport(WatchState.FAILING, why, seconds, tuple(self._called), text)
        return self._down(why, seconds, self._down_since)

    def _down(self, why: str, seconds: float, since: datetime) -> WatchReport:
        text = (
            f"{DESCRIPTION}: the service has been down since {since:%H:%M:%S} UTC"
            f" (P0, label P1 critical): {why}"
        )
        # A channel that fails is tried again at the next look.
        for kind, target in ((Kind.PAGE, "#on-call"), (Kind.ESCALATION, "email")):
            self._send(kind, target, text, since)
        if not self._reaching(Kind.PAGE, "#on-call", text) and not self._called:
            text += " No on-call channel is configured, so no one was called."
        elif self._called:
            text += f" Called through {', '.join(self._called)}."
        else:
            text += " No one could be called yet."
        return WatchReport(WatchState.DOWN, why, seconds, tuple(self._called), text)

    def _up(self, now: datetime) -> WatchReport:
        since, self._down_since = self._down_since, None
        called, self._called = tuple(self._called), {}
        if since is None:
            return WatchReport(WatchState.UP, "", 0.0, (), "The service is up.")
        seconds = (now - since).total_seconds()
        text = f"The service is up again after {seconds:.0f} s."
        if called:
            for target in ("#incidents", "email"):
                self._send(Kind.RESOLUTION, target, text, since, again=called)
            self._called = {}
        return WatchReport(WatchState.UP, "", seconds, called, text)

    def _send(
        self,
        kind: Kind,
        target: str,
        text: str,
        since: datetime,
        again: Sequence[str] | None = None,
    ) -> None:
        message = Message(target, kind, text, f"watchdog.{since.isoformat()}.{kind}", SUBJECT)
        for channel in self._reaching(kind, target, text):
            if channel.name in self._called or (again is not None and channel.name not in again):
                continue
            try:
                channel.send(message)
            except Exception:  # noqa: BLE001 - the other channels must be tried.
                _log.warning("the channel %s failed", channel.name, exc_info=True)
            else:
                self._called[channel.name] = None

    def _reaching(self, kind: Kind, target: str, text: str) -> list[Channel]:
        message = Message(target, kind, text, "", SUBJECT)
        return [each for each in self._channels if each.reaches_people(message)]


def http_probe(url: str, timeout_seconds: float) -> Probe:
    """Return the probe that reads ``/health`` of a service.

    Args:
        url: The service's address.
        timeout_seconds: How long it may take to answer.
    """
    import httpx

    client = httpx.Client(timeout=timeout_seconds)

    def probe() -> str:
        try:
            components = client.get(f"{url.rstrip('/')}/health").json()["components"]
            down = [name for name in CORE if components.get(name, {}).get("status") == "down"]
        except httpx.HTTPError as error:
            return f"it does not answer ({type(error).__name__})."
        except (ValueError, KeyError, AttributeError, TypeError):
            return "its answer is not that of a trimtab service."
        return f"{' and '.join(down)} is down." if down else ""

    return probe
