"""Loads a model again whose health check fails and whom no runbook repairs.

Damaged files, a hanging batch and a version that was promoted within a day are causes of the page
model-inference-failures, whose fixes are better than a restart. What is left is a version that
served well and fails now: it is loaded again, as the recovery script of the procedures restarts it.
"""

import logging
from dataclasses import dataclass

from trimtab.models.records import PRODUCTION
from trimtab.models.service import Models
from trimtab.models.serving.model_server import ModelServer

_log = logging.getLogger(__name__)
ACTOR = "models.recovery"
FAILURES = 3
"""Failed checks in a row before a model is loaded again: one may be a full queue."""
_PAUSE_SECONDS = (0.0, 600.0, 3600.0)
"""Least time since the reload before, by the number of reloads; the last one for all later ones."""
_SETTLED_SECONDS = 86_400.0


@dataclass(slots=True)
class _Trouble:
    """A model whose health check fails."""

    failures: int = 0
    reloads: int = 0
    reloaded_at: float = 0.0


class ModelRecovery:
    """Checks the health of every serving model and loads again what fails.

    Args:
        models: The domain.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self._troubles: dict[str, _Trouble] = {}

    def look(self) -> list[str]:
        """Check every model; return the names of those that were loaded again."""
        servers = list(self._models.serving.servers.items())
        return [
            name
            for name, server in servers
            if self._is_settled(name, server) and self._recover(name)
        ]

    def _is_settled(self, name: str, server: ModelServer) -> bool:
        """Return whether no cause of the runbook explains a failure."""
        served = server.routing.servers.get(PRODUCTION)
        promoted = self._models.serving.promoted_at.get(name)
        if served is None or promoted is None:
            return False
        deadline = self._models.context.settings.deadline_seconds
        age = (self._models.context.env.clock.now() - promoted).total_seconds()
        return served.busy_seconds <= deadline and age >= _SETTLED_SECONDS

    def _recover(self, name: str) -> bool:
        health = self._models.health(name)
        if health.healthy:
            self._troubles.pop(name, None)
            return False
        trouble = self._troubles.setdefault(name, _Trouble())
        trouble.failures += 1
        env = self._models.context.env
        now = env.clock.now().timestamp()
        pause = _PAUSE_SECONDS[min(trouble.reloads, len(_PAUSE_SECONDS) - 1)]
        if trouble.failures < FAILURES or now - trouble.reloaded_at < pause:
            return False
        trouble.failures, trouble.reloaded_at = 0, now
        trouble.reloads += 1
        _log.warning("a model is loaded again", extra={"model": name, "reason": health.detail})
        env.audit.append(ACTOR, "models.reload", name, {"reason": health.detail})
        self._models.serving.refresh(name, reload=True)
        return True
