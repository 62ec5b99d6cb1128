"""Guard rules that can change while the service runs."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from trimtab.guardrails.errors import BadDuration, BadRule

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """Parse a duration such as ``5s``, ``30m`` or ``1h``, or raise `BadDuration`."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise BadDuration(f"{text!r} is not a duration.")
    return float(match[1]) * _SECONDS[match[2]]


@dataclass(frozen=True, slots=True)
class GuardRules:
    """Thresholds and switches of the guards.

    The hallucination score is 1 - the grounding score.
    """

    hallucination_threshold: float = 0.1
    """A sentence with a higher score gives a warning."""
    hallucination_block_threshold: float = 0.5
    """A sentence with a higher score blocks the answer."""
    fact_check_timeout: str = "5s"
    ethics_check_enabled: bool = True
    injection_enabled: bool = True
    pii_block_types: tuple[str, ...] = ("CREDIT_CARD", "US_SSN", "IBAN_CODE")
    """Kinds of personal data that block an answer; others are redacted in logs and traces only."""

    def as_text(self) -> dict[str, str]:
        """Return the rules as text by name, as in a config map."""
        return {field.name: _text(getattr(self, field.name)) for field in fields(self)}


def apply_changes(rules: GuardRules, given: Mapping[str, str]) -> GuardRules:
    """Return the rules with some values replaced, given as text.

    Raises:
        BadRule: A name is unknown or a value is invalid; then no rule is changed.
    """
    known = {field.name for field in fields(GuardRules)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise BadRule(
            f"There is no guard rule {unknown[0]!r}.", hint=f"They are: {', '.join(sorted(known))}."
        )
    return replace(rules, **{name: _value(name, text) for name, text in given.items()})  # type: ignore[arg-type]


def _value(name: str, text: str) -> object:
    if name == "pii_block_types":
        return tuple(word.strip() for word in text.split(",") if word.strip())
    if name == "fact_check_timeout":
        seconds(text)
        return text
    if name.endswith("_enabled"):
        if text.lower() not in ("true", "false"):
            raise BadRule(f"{name} is {text!r}.", hint="Write true or false.")
        return text.lower() == "true"
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= 1.0:
        raise BadRule(f"{name} is {text!r}.", hint="Write a number from 0 to 1.")
    return number


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


class LiveRules:
    """Current rules; a change applies to the next text without a restart."""

    def __init__(self, rules: GuardRules | None = None) -> None:
        self._rules = rules or GuardRules()
        self._lock = threading.Lock()

    def now(self) -> GuardRules:
        """Return the current rules."""
        return self._rules

    def change(self, given: Mapping[str, str]) -> GuardRules:
        """Apply a change; return the former rules, which `restore` accepts."""
        with self._lock:
            former = self._rules
            self._rules = apply_changes(former, given)
        return former

    def restore(self, rules: GuardRules) -> None:
        """Replace the rules, such as to undo a change."""
        with self._lock:
            self._rules = rules
