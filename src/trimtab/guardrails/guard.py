"""Interface of a guard, its input, and its policy on failure."""

from dataclasses import dataclass
from typing import Protocol

from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision, Judgement


@dataclass(frozen=True, slots=True)
class Subject:
    """Text to judge: a question, passage, or answer with its sources."""

    text: str
    question: str = ""
    sources: tuple[str, ...] = ()
    """The cited quotes, verbatim, and the cited documents that the answer names."""


class Guard(Protocol):
    """Judges one aspect of a text.

    Stateless: the same subject and rules give the same judgement, so verdicts can be cached.
    """

    @property
    def name(self) -> str:
        """Return the name used in verdicts, metrics and rules."""
        ...

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Return the judgement on the subject under the rules.

        Raises:
            GuardUnavailable: The guard cannot judge now. This and any other error lead to
                `Policy.on_error`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """Decisions for a guard that fails or times out, and its limits."""

    on_error: Decision = Decision.UNKNOWN
    on_timeout: Decision = Decision.UNKNOWN
    bypassable: bool = False
    """False for injection, personal data and secrets: they stay in force under a bypass."""
    timeout_seconds: float | None = None
    """Time limit of this guard, when shorter than the common deadline."""


@dataclass(frozen=True, slots=True)
class GuardConfig:
    """A guard with its limits and policy."""

    guard: Guard
    policy: Policy = Policy()
