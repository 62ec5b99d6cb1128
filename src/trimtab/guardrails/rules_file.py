"""Reloads guard rules from a file, such as a mounted config map.

The file is a flat YAML map of rule names, at the top level or under ``data``; ``pii_patterns`` is a
list of patterns, in a config map the same list as text. ``bypass_mode:
"true"`` starts a bypass for ``bypass_duration``, counted from the modification time of the file: a
reload or a restart of the service does not extend it, and it expires although the file still says
true.

A folder is read as Kubernetes mounts config maps: a file for each key, in the folder or in one for
each config map below it. A new pod mounts them again, so their time says nothing; a bypass that the
first look finds is over.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from trimtab.guardrails.bypass import LONGEST_SECONDS, Bypass
from trimtab.guardrails.custom_patterns import PiiPattern, parse_patterns
from trimtab.guardrails.errors import BadDuration, BadRule
from trimtab.guardrails.rules import LiveRules, apply_changes, seconds
from trimtab.kernel.clock import Clock

BYPASS_ACTOR = "guardrails.rules_file"
_DEFAULT_DURATION = "30m"
_log = logging.getLogger(__name__)


class RulesFile:
    """Applies the rules and the bypass of a file.

    Args:
        file: Path of the file; a missing file changes nothing. None: there is no file.
        rules: The rules to change, in place.
        bypass: The bypass to start and stop.
        clock: Determines the remaining time of a bypass.
    """

    def __init__(self, file: Path | None, rules: LiveRules, bypass: Bypass, clock: Clock) -> None:
        self._file = file
        self._rules = rules
        self._bypass = bypass
        self._clock = clock
        self._applied: tuple[float, str] | None = None
        self._bypassing = False
        self._over = -1.0
        """A bypass that was written then or before is over."""

    def look(self) -> bool:
        """Apply the file if it has changed; return whether it was applied.

        An invalid file is logged once and changes nothing: the former rules stay in force.
        """
        found = self._read()
        if found is None or found == self._applied:
            return False
        if self._applied is None and self._file is not None and self._file.is_dir():
            self._over = found[0]
        self._applied = found
        try:
            written = datetime.fromtimestamp(found[0] if found[0] > self._over else 0, UTC)
            self._apply(*_read_rules(found[1]), written)
        except (BadRule, BadDuration) as error:
            _log.error("guard_rules_refused", extra={"reason": str(error)})
            return False
        return True

    def _read(self) -> tuple[float, str] | None:
        if self._file is None:
            return None
        try:
            if self._file.is_dir():
                return _read_mounted(self._file)
            return self._file.stat().st_mtime, self._file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def _apply(
        self, given: Mapping[str, str], patterns: tuple[PiiPattern, ...], written: datetime
    ) -> None:
        rules = {name: text for name, text in given.items() if not name.startswith("bypass_")}
        length = seconds(given.get("bypass_duration", _DEFAULT_DURATION))
        mode = given.get("bypass_mode", "false").lower()
        if mode not in ("true", "false"):
            raise BadRule(f"bypass_mode is {mode!r}.", hint="Write true or false.")
        if not 0 < length <= LONGEST_SECONDS:
            raise BadDuration(f"A bypass of {length:g} s is not allowed.", hint="Choose up to 4h.")
        # Validates all rules first, so that an invalid file changes none of them.
        apply_changes(self._rules.current, rules)
        self._rules.change(rules, patterns)
        names = [pattern.name for pattern in patterns]
        facts = {"rules": sorted(rules), "pii_patterns": names, "bypass_mode": mode}
        _log.info("guard_rules_read", extra=facts)
        past = max(0.0, (self._clock.now() - written).total_seconds())
        self._switch(mode == "true", length - past)

    def _switch(self, on: bool, left: float) -> None:
        if on and left > 0:
            self._bypass.start(left, BYPASS_ACTOR)
        elif self._bypassing and not on:
            self._bypass.stop(BYPASS_ACTOR)
        self._bypassing = on


def _read_mounted(folder: Path) -> tuple[float, str]:
    """Return when the key of the bypass was written, and all keys as one text."""
    folders = [folder, *(each for each in folder.iterdir() if each.is_dir())]
    # Names that begin with a dot are those of the mount itself.
    keys = {
        file.name: file
        for each in folders
        if not each.name.startswith(".") or each == folder
        for file in each.iterdir()
        if file.is_file() and not file.name.startswith(".")
    }
    bypass = keys.get("bypass_mode")
    texts = {name: file.read_text(encoding="utf-8").strip() for name, file in sorted(keys.items())}
    return bypass.stat().st_mtime if bypass else 0.0, json.dumps(texts)


def _read_rules(text: str) -> tuple[dict[str, str], tuple[PiiPattern, ...]]:
    """Parse the file into rules as text by name, and patterns, or raise `BadRule`."""
    found = _yaml(text, "The rules file") or {}
    if isinstance(found, dict) and isinstance(found.get("data"), dict):
        found = found["data"]
    if not isinstance(found, dict):
        raise BadRule("The rules file holds no map of rules.")
    listed = found.get("pii_patterns")
    patterns = parse_patterns(_yaml(listed, "pii_patterns") if isinstance(listed, str) else listed)
    rules = {str(name): _text(value) for name, value in found.items() if name != "pii_patterns"}
    return rules, patterns


def _yaml(text: str, name: str) -> object:
    import yaml

    try:
        found: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadRule(f"{name} is not valid YAML.") from error
    return found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
