"""The guards at their posts, as the service uses them."""

from trimtab.guardrails.credentials import SecretsGuard
from trimtab.guardrails.ethics import EthicsGuard
from trimtab.guardrails.facts import FactsGuard
from trimtab.guardrails.grounding import model as grounding_model
from trimtab.guardrails.grounding.guard import GroundingGuard
from trimtab.guardrails.guard import Policy, Post
from trimtab.guardrails.injection import model as injection_model
from trimtab.guardrails.injection.guard import InjectionGuard, PassageGuard
from trimtab.guardrails.pii.finder import Finder
from trimtab.guardrails.pii.guard import PiiGuard, QuestionPiiGuard
from trimtab.guardrails.verdicts import Decision

_ALWAYS_ON = Policy(on_error=Decision.BLOCK, on_timeout=Decision.BLOCK)
_BYPASSABLE = Policy(bypassable=True)
_ADVISORY = Policy(on_error=Decision.WARN, on_timeout=Decision.WARN)


def question_guards(finder: Finder | None = None) -> tuple[Post, ...]:
    """Return the guards of questions; no bypass reaches them.

    Args:
        finder: Finds personal data; by default without names.
    """
    return (
        Post(InjectionGuard(), _ALWAYS_ON),
        Post(QuestionPiiGuard(finder), _ADVISORY),
    )


def passage_guards() -> tuple[Post, ...]:
    """Return the guards of retrieved passages; one that they cannot judge is not shown to the model."""
    return (Post(PassageGuard(), _ALWAYS_ON),)


def answer_guards(finder: Finder | None = None) -> tuple[Post, ...]:
    """Return the guards of answers.

    Args:
        finder: Finds personal data; by default without names.
    """
    return (
        Post(GroundingGuard(), _BYPASSABLE),
        Post(FactsGuard(), _BYPASSABLE),
        Post(EthicsGuard(), _BYPASSABLE),
        Post(PiiGuard(finder), _ALWAYS_ON),
        Post(SecretsGuard(), _ALWAYS_ON),
    )


def reload_weights() -> None:
    """Forget the weights in memory; the next text reads them from their files again."""
    grounding_model.load.cache_clear()
    injection_model.load.cache_clear()
