"""Reloads guard rules from a file, such as a mounted config map.

The file is a flat YAML map of rule names, at the top level or under ``data``. ``bypass_mode:
"true"`` starts a bypass for ``bypass_duration``, counted from the modification time of the file: a
reload or a restart of the service does not extend it, and it expires although the file still says
true.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from trimtab.guardrails.bypass import LONGEST_SECONDS, Bypass
from trimtab.guardrails.errors import BadDuration, BadRule
from trimtab.guardrails.rules import LiveRules, apply_changes, seconds
from trimtab.kernel.clock import Clock

BYPASS_ACTOR = "guardrails.rules_file"
_DEFAULT_DURATION = "30m"
_log = logging.getLogger(__name__)


class RulesFile:
    """Applies the rules and the bypass of a file.

    Args:
        file: Path of the file; a missing file changes nothing.
        rules: The rules to change, in place.
        bypass: The bypass to start and stop.
        clock: Determines the remaining time of a bypass.
    """

    def __init__(self, file: Path, rules: LiveRules, bypass: Bypass, clock: Clock) -> None:
        self._file = file
        self._rules = rules
        self._bypass = bypass
        self._clock = clock
        self._applied: tuple[float, str] | None = None
        self._bypassing = False

    def look(self) -> bool:
        """Apply the file if it has changed; return whether it was applied.

        An invalid file is logged once and changes nothing: the former rules stay in force.
        """
        found = self._read()
        if found is None or found == self._applied:
            return False
        self._applied = found
        try:
            self._apply(_map_of(found[1]), datetime.fromtimestamp(found[0], UTC))
        except (BadRule, BadDuration) as error:
            _log.error("guard_rules_refused", extra={"reason": str(error)})
            return False
        return True

    def _read(self) -> tuple[float, str] | None:
        try:
            return self._file.stat().st_mtime, self._file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def _apply(self, given: Mapping[str, str], written: datetime) -> None:
        rules = {name: text for name, text in given.items() if not name.startswith("bypass_")}
        length = seconds(given.get("bypass_duration", _DEFAULT_DURATION))
        mode = given.get("bypass_mode", "false").lower()
        if mode not in ("true", "false"):
            raise BadRule(f"bypass_mode is {mode!r}.", hint="Write true or false.")
        if not 0 < length <= LONGEST_SECONDS:
            raise BadDuration(f"A bypass of {length:g} s is not allowed.", hint="Choose up to 4h.")
        # Validates all rules first, so that an invalid file changes none of them.
        apply_changes(self._rules.current, rules)
        self._rules.change(rules)
        _log.info("guard_rules_read", extra={"rules": sorted(rules), "bypass_mode": mode})
        past = max(0.0, (self._clock.now() - written).total_seconds())
        self._switch(mode == "true", length - past)

    def _switch(self, on: bool, left: float) -> None:
        if on and left > 0:
            self._bypass.start(left, BYPASS_ACTOR)
        elif self._bypassing and not on:
            self._bypass.stop(BYPASS_ACTOR)
        self._bypassing = on


def _map_of(text: str) -> dict[str, str]:
    """Parse the file into text values by name, or raise `BadRule`."""
    import yaml

    try:
        found = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise BadRule("The rules file is not valid YAML.") from error
    if isinstance(found, dict) and isinstance(found.get("data"), dict):
        found = found["data"]
    if not isinstance(found, dict):
        raise BadRule("The rules file holds no map of rules.")
    return {str(name): _text(value) for name, value in found.items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
