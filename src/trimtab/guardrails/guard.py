"""What a guard is, what it is shown, and what its failure means."""

from dataclasses import dataclass
from typing import Protocol

from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision, Judgement


@dataclass(frozen=True, slots=True)
class Subject:
    """A text to judge: a question (no sources), or an answer with what it rests on."""

    text: str
    question: str = ""
    sources: tuple[str, ...] = ()
    """The cited quotes, as they stand in their documents."""


class Guard(Protocol):
    """Judges one aspect of a text. Stateless: the same subject and rules give the same judgement."""

    @property
    def name(self) -> str:
        """Return its name in verdicts, metrics and rules."""
        ...

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Return the judgement.

        Raises:
            GuardUnavailable: It cannot judge now; so does any other error, see `Policy.on_error`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """What happens when a guard fails, is late, or is bypassed."""

    on_error: Decision = Decision.UNKNOWN
    on_timeout: Decision = Decision.UNKNOWN
    bypassable: bool = False
    """Injection, personal data and secrets stay on under a bypass."""
    timeout_seconds: float | None = None
    """Its own limit, when shorter than the common deadline."""


@dataclass(frozen=True, slots=True)
class Post:
    """A guard at its post: the guard and its policy."""

    guard: Guard
    policy: Policy = Policy()
