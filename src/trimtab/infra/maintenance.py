"""Maintenance mode: reads continue, writes and questions are refused with a message.

The state is a file in the data directory, so it survives a restart.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from trimtab.infra.settings.sections.service import ServiceSettings
from trimtab.infra.small_files import replace_text
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import InvalidInput, TrimtabError, Unavailable
from trimtab.kernel.health import ComponentHealth, Health, Status
from trimtab.kernel.roles import Role

FILE = "maintenance.json"
DEFAULT_MESSAGE = "System maintenance in progress"
SCOPES = ("all", "writes")
MAX_MESSAGE = 500

_ALWAYS = (
    "/health",
    "/metrics",
    "/api/v1/heartbeat",
    "/v1/system/health",
    "/console/static/",
    "/console/login",
    "/console/logout",
    "/console/incidents",
    "/v1/maintenance",
    "/v1/incidents",
    "/v1/check",
    "/api/v1/alerts",
    "/api/v2/alerts",
    "/api/v2/status",
)
"""Health, sign-in, alerts and incidents continue."""
_QUESTIONS = ("/api/v1/query", "/v1/answers", "/openai/", "/console/ask")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class UnderMaintenance(Unavailable):
    """The service is under maintenance; the message is the operator's."""

    code = "service.maintenance"
    default_hint = "Repeat the call later; `Retry-After` says when."

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class MaintenanceState:
    """State of maintenance mode: since when, by whom and why."""

    on: bool
    message: str
    scope: str
    """``all``: questions are refused too; ``writes``: questions are answered."""
    since: str
    """When it was last changed; empty before the first change."""
    by: str


class MaintenanceMode:
    """Switches maintenance mode and says which requests it refuses.

    Args:
        settings: Message, scope and exempt roles; also whether the service starts in it.
        folder: Holds the state.
        clock: Of the process.
        health: Names maintenance while it is on.
    """

    def __init__(
        self, settings: ServiceSettings, folder: Path, clock: Clock, health: Health
    ) -> None:
        self._settings = settings
        self._file = folder / FILE
        self._clock = clock
        self._health = health
        self._in_health = False
        self.exempt = frozenset(Role(name) for name in settings.maintenance_exempt_roles)
        self.state = self._load()
        self._show()

    @property
    def on(self) -> bool:
        """Return whether maintenance mode is on."""
        return self.state.on

    def start(self, by: str, message: str = "", scope: str = "") -> MaintenanceState:
        """Refuse writes, and questions too unless the scope is ``writes``."""
        scope = scope or self._settings.maintenance_scope
        if scope not in SCOPES:
            raise InvalidInput(
                f"Unknown scope {scope!r}.", hint=f"Use one of: {', '.join(SCOPES)}."
            )
        return self._set(
            on=True, message=message or self._settings.maintenance_message, scope=scope, by=by
        )

    def stop(self, by: str) -> MaintenanceState:
        """Accept everything again."""
        return self._set(on=False, message=self.state.message, scope=self.state.scope, by=by)

    def restore(self, state: Mapping[str, object]) -> MaintenanceState:
        """Put a former state back, for the undo of an action."""
        self.state = MaintenanceState(**state)  # type: ignore[arg-type]
        self._save()
        return self.state

    def refuse(self, method: str, path: str) -> TrimtabError | None:
        """Return why a request is refused now, or None."""
        state = self.state
        if not state.on or path == "/" or path.startswith(_ALWAYS):
            return None
        if path.startswith(_QUESTIONS):
            is_page = path == "/console/ask" and method in _READS
            if state.scope == "writes" or is_page:
                return None
        elif method in _READS:
            return None
        return UnderMaintenance(state.message, self._settings.maintenance_retry_seconds)

    def _set(self, *, on: bool, message: str, scope: str, by: str) -> MaintenanceState:
        now = self._clock.now().isoformat()
        self.state = MaintenanceState(on, message[:MAX_MESSAGE], scope, now, by)
        self._save()
        return self.state

    def _save(self) -> None:
        replace_text(self._file, json.dumps(asdict(self.state)))
        self._show()

    def _show(self) -> None:
        if self.state.on and not self._in_health:
            self._in_health = True
            self._health.register("maintenance", self._probe)

    def _probe(self) -> ComponentHealth:
        if self.state.on:
            return ComponentHealth(Status.DEGRADED, self.state.message)
        return ComponentHealth(Status.UP)

    def _load(self) -> MaintenanceState:
        try:
            row = json.loads(self._file.read_text(encoding="utf-8"))
            return MaintenanceState(**row)
        except (OSError, ValueError, TypeError):
            # Without a readable file the settings decide.
            settings = self._settings
            return MaintenanceState(
                settings.maintenance_mode,
                settings.maintenance_message,
                settings.maintenance_scope,
                "",
                "",
            )
