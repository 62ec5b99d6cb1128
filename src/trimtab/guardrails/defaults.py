"""Default guards of questions, passages and answers, with their policies."""

from trimtab.guardrails.credentials import SecretsGuard
from trimtab.guardrails.ethics import EthicsGuard
from trimtab.guardrails.facts import FactsGuard
from trimtab.guardrails.grounding import model as grounding_model
from trimtab.guardrails.grounding.guard import GroundingGuard
from trimtab.guardrails.guard import GuardConfig, Policy
from trimtab.guardrails.injection import model as injection_model
from trimtab.guardrails.injection.guard import InjectionGuard, PassageGuard
from trimtab.guardrails.pii.find import Finder
from trimtab.guardrails.pii.guard import PiiGuard, QuestionPiiGuard
from trimtab.guardrails.verdicts import Decision

_ALWAYS_ON = Policy(on_error=Decision.BLOCK, on_timeout=Decision.BLOCK)
_BYPASSABLE = Policy(bypassable=True)
_ADVISORY = Policy(on_error=Decision.WARN, on_timeout=Decision.WARN)


def question_guards(finder: Finder | None = None) -> tuple[GuardConfig, ...]:
    """Return the guards of questions; none of them can be bypassed.

    Args:
        finder: Finds personal data; the default detects no names.
    """
    return (
        GuardConfig(InjectionGuard(), _ALWAYS_ON),
        GuardConfig(QuestionPiiGuard(finder), _ADVISORY),
    )


def passage_guards() -> tuple[GuardConfig, ...]:
    """Return the guards of passages; a passage without verdict is dropped."""
    return (GuardConfig(PassageGuard(), _ALWAYS_ON),)


def answer_guards(finder: Finder | None = None) -> tuple[GuardConfig, ...]:
    """Return the guards of answers.

    Args:
        finder: Finds personal data; the default detects no names.
    """
    return (
        GuardConfig(GroundingGuard(), _BYPASSABLE),
        GuardConfig(FactsGuard(), _BYPASSABLE),
        GuardConfig(EthicsGuard(), _BYPASSABLE),
        GuardConfig(PiiGuard(finder), _ALWAYS_ON),
        GuardConfig(SecretsGuard(), _ALWAYS_ON),
    )


def reload_weights() -> None:
    """Clear the cached model weights; the next check reads the files again."""
    grounding_model.load.cache_clear()
    injection_model.load.cache_clear()
