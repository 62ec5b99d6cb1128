"""Time-limited bypass of answer guards, for when they are broken.

It expires by itself and is written to the audit log. The guards of injection, personal data and
secrets stay in force. Bypassed guards continue in shadow mode: their verdicts are recorded without
effect, so that the answers that passed can be reviewed.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from trimtab.guardrails.errors import BadDuration
from trimtab.kernel.clock import Clock

LONGEST_SECONDS = 4 * 3600.0


class AuditLog(Protocol):
    """Append-only audit log, such as `infra.audit.Audit`."""

    def append(
        self, actor: str, action: str, subject: str, facts: Mapping[str, object] | None = None
    ) -> object:
        """Record the event durably."""
        ...


@dataclass(frozen=True, slots=True)
class BypassState:
    """An active bypass: who started it, its start and its end."""

    actor: str
    started_at: datetime
    ends_at: datetime


class Bypass:
    """Switches the bypassable guards to shadow mode for a limited time."""

    def __init__(self, clock: Clock, audit: AuditLog) -> None:
        self._clock = clock
        self._audit = audit
        self._state: BypassState | None = None
        self._lock = threading.Lock()

    def start(self, duration_seconds: float, actor: str) -> BypassState:
        """Start or extend the bypass; the audit entry is written first.

        Raises:
            BadDuration: The duration is not above zero, or is longer than four hours.
        """
        if not 0 < duration_seconds <= LONGEST_SECONDS:
            raise BadDuration(
                f"A bypass of {duration_seconds:g} s is not allowed.", hint="Choose up to 4h."
            )
        now = self._clock.now()
        state = BypassState(actor, now, now + timedelta(seconds=duration_seconds))
        self._audit.append(
            actor, "guardrails.bypass_started", "guardrails", {"seconds": duration_seconds}
        )
        with self._lock:
            self._state = state
        return state

    def stop(self, actor: str) -> bool:
        """End the bypass now; return whether one was active."""
        with self._lock:
            was_active, self._state = self._active() is not None, None
        if was_active:
            self._audit.append(actor, "guardrails.bypass_stopped", "guardrails")
        return was_active

    def active(self) -> BypassState | None:
        """Return the active bypass, or None; record an expired bypass once."""
        with self._lock:
            state = self._state
            if state is None or self._clock.now() < state.ends_at:
                return state
            self._state = None
        self._audit.append(state.actor, "guardrails.bypass_ended", "guardrails")
        return None

    @property
    def state(self) -> BypassState | None:
        """The bypass that was started last and not stopped; it may be over."""
        return self._state

    def adopt(self, state: BypassState | None) -> None:
        """Take over the state of another process, which has audited it."""
        with self._lock:
            self._state = state

    def _active(self) -> BypassState | None:
        state = self._state
        return state if state and self._clock.now() < state.ends_at else None
