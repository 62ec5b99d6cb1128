"""Guard rules that can change while the service runs."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from trimtab.guardrails.custom_patterns import PiiPattern
from trimtab.guardrails.errors import BadDuration, BadRule
from trimtab.kernel.durations import parse_duration


def seconds(text: str) -> float:
    """Parse a duration such as ``5s``, ``30m`` or ``1h``, or raise `BadDuration`."""
    found = parse_duration(text)
    if found is None:
        raise BadDuration(f"{text!r} is not a duration.")
    return found


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
    pii_patterns: tuple[PiiPattern, ...] = ()
    """Kinds of personal data that the operator added; only the rules file changes them."""
    fact_check_seconds: float = field(init=False, repr=False, compare=False)
    """`fact_check_timeout` as a number."""

    def __post_init__(self) -> None:
        """Parse the timeout, or raise `BadDuration`."""
        object.__setattr__(self, "fact_check_seconds", seconds(self.fact_check_timeout))

    def as_text(self) -> dict[str, str]:
        """Return the rules as text by name, as in a config map."""
        return {name: _text(getattr(self, name)) for name in RULES}


RULES = tuple(rule.name for rule in fields(GuardRules) if rule.init and rule.name != "pii_patterns")
"""The names of the rules that have a value in one line of text."""


def apply_changes(rules: GuardRules, given: Mapping[str, str]) -> GuardRules:
    """Return the rules with some values replaced, given as text.

    Raises:
        BadRule: A name is unknown or a value is invalid; then no rule is changed.
    """
    unknown = sorted(set(given) - set(RULES))
    if unknown:
        raise BadRule(
            f"There is no guard rule {unknown[0]!r}.", hint=f"They are: {', '.join(sorted(RULES))}."
        )
    return replace(rules, **{name: _value(name, text) for name, text in given.items()})  # type: ignore[arg-type]


def _value(name: str, text: str) -> object:
    if name == "pii_block_types":
        return tuple(word.strip() for word in text.split(",") if word.strip())
    if name == "fact_check_timeout":
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
    """Current rules; a change applies to the next text without a restart.

    Attributes:
        current: The rules in force.
    """

    def __init__(self, rules: GuardRules | None = None) -> None:
        self.current = rules or GuardRules()
        self._lock = threading.Lock()

    def change(
        self, given: Mapping[str, str], patterns: tuple[PiiPattern, ...] | None = None
    ) -> GuardRules:
        """Apply a change; return the former rules, which `restore` accepts.

        Args:
            given: New values by name of the rule.
            patterns: Replace the operator's patterns; None keeps them.
        """
        with self._lock:
            former = self.current
            changed = apply_changes(former, given)
            kept = former.pii_patterns if patterns is None else patterns
            self.current = replace(changed, pii_patterns=kept)
        return former

    def restore(self, rules: GuardRules) -> None:
        """Replace the rules, such as to undo a change."""
        with self._lock:
            self.current = rules
