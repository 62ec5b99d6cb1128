"""Applies the ConfigMap `system-config` while the service runs.

The runbooks patch ``maintenance_mode`` and ``maintenance_message`` and name no restart. Only a
change of the ConfigMap is applied: what a person switched since then stays, over restarts too.
"""

import json
import logging
from dataclasses import asdict
from pathlib import Path

from trimtab.infra.changes import ChangeLog
from trimtab.infra.config_maps import BadConfigMap, parse_bool, read_config_map
from trimtab.infra.maintenance import MaintenanceMode
from trimtab.infra.small_files import replace_text

NAME = "system-config"
FILE = "system-config.json"
ACTOR = "service.config_dir"
_MODE, _MESSAGE = "maintenance_mode", "maintenance_message"
_log = logging.getLogger(__name__)


class SystemConfig:
    """Switches maintenance mode when the ConfigMap says so.

    Args:
        folder: Holds the folder or YAML file of the ConfigMap; None applies nothing.
        memory: The data directory; what was applied is kept there.
        maintenance: Is switched.
        changes: Records each change, so that it can be undone.
    """

    def __init__(
        self, folder: Path | None, memory: Path, maintenance: MaintenanceMode, changes: ChangeLog
    ) -> None:
        self._folder, self._memory = folder, memory / FILE
        self._maintenance, self._changes = maintenance, changes
        self.applied = self._load()
        """What was applied last, by any process of the fleet."""
        self._seen = self.applied

    def adopt(self, values: dict[str, str]) -> None:
        """Take over what another process has applied: it is not applied again here."""
        self.applied = values
        self._save()

    def look(self) -> bool:
        """Apply the ConfigMap if it has changed; return whether it was applied.

        A wrong value is logged once and changes nothing.
        """
        if self._folder is None:
            return False
        try:
            found = read_config_map(self._folder, NAME, (_MODE, _MESSAGE))
        except (BadConfigMap, OSError, UnicodeDecodeError) as error:
            return self._refuse(error)
        # Compared with what this process saw before: its mount may be older than another one's.
        if not found or found == self._seen:
            return False
        is_new = found != self.applied
        try:
            if is_new:
                self._apply(found)
        except OSError as error:  # Not seen: the next look tries again.
            return self._refuse(error)
        except BadConfigMap as error:
            is_new = self._refuse(error)
        self._seen = found
        return is_new

    def _refuse(self, error: Exception) -> bool:
        _log.error("system_config_refused", extra={"reason": str(error)})
        return False

    def _apply(self, values: dict[str, str]) -> None:
        maintenance, is_first = self._maintenance, not self.applied
        switched_on, before = parse_bool(_MODE, values.get(_MODE, "false")), maintenance.state
        if switched_on:
            maintenance.start(ACTOR, values.get(_MESSAGE, ""))
        elif before.on and not is_first:  # Else a person switched it on before this was mounted.
            maintenance.stop(ACTOR)
        if maintenance.state != before:
            action = "service.maintenance.start" if switched_on else "service.maintenance.stop"
            self._changes.record(ACTOR, action, asdict(before))
        self.adopt(values)
        _log.info("system_config_applied", extra={"maintenance": maintenance.on})

    def _load(self) -> dict[str, str]:
        try:
            found = json.loads(self._memory.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _save(self) -> None:
        replace_text(self._memory, json.dumps(self.applied))
