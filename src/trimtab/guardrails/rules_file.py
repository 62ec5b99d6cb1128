"""A file of rules that is read again when it changes, as a mounted config map is.

It is a flat YAML map of the rules' names, on its own or under ``data``. ``bypass_mode: "true"`` in it starts a bypass for
``bypass_duration``, counted from the moment the file was written: reading it again, or starting the service again, does
not make it longer, and it ends by itself although the file still says true.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from trimtab.guardrails.bypass import LONGEST_SECONDS, Bypass
from trimtab.guardrails.errors import BadDuration, BadRule
from trimtab.guardrails.rules import LiveRules, changed, seconds
from trimtab.kernel.clock import Clock

BYPASS_ACTOR = "guardrails.rules_file"
_DEFAULT_DURATION = "30m"
_log = logging.getLogger(__name__)


class RulesFile:
    """Brings what the file says into force.

    Args:
        file: It may be missing; then nothing changes.
        rules: Changed in place.
        bypass: Started and stopped.
        clock: Tells how much of a bypass is left.
    """

    def __init__(self, file: Path, rules: LiveRules, bypass: Bypass, clock: Clock) -> None:
        self._file = file
        self._rules = rules
        self._bypass = bypass
        self._clock = clock
        self._seen: tuple[float, str] | None = None
        self._bypassing = False

    def look(self) -> bool:
        """Apply the file if it has changed; return whether it was applied.

        A file that does not fit is logged once and changes nothing: the rules before it stay in force.
        """
        found = self._read()
        if found is None or found == self._seen:
            return False
        self._seen = found
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
        changed(self._rules.now(), rules)  # Refused as a whole before anything is changed.
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
    """Return the map as text, as config maps hold it, or raise `BadRule`."""
    import yaml

    try:
        found = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise BadRule("The rules file is no YAML.") from error
    if isinstance(found, dict) and isinstance(found.get("data"), dict):
        found = found["data"]
    if not isinstance(found, dict):
        raise BadRule("The rules file holds no map of rules.")
    return {str(name): _text(value) for name, value in found.items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
