"""Guards against personal data in answers and questions."""

from collections.abc import Set as AbstractSet

from trimtab.guardrails.guard import Subject
from trimtab.guardrails.pii.find import NAMES_UNCHECKED, Finder, Found
from trimtab.guardrails.pii.kinds import NAMES
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision, Judgement


class PiiGuard:
    """Blocks answers with certain kinds of personal data; warns of the others."""

    name = "pii"

    def __init__(self, finder: Finder | None = None) -> None:
        self._finder = finder or Finder()

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Judge by kinds of data; the judgement never contains the data itself.

        Raises:
            NamesUnavailable: The rules block names, and the detector cannot answer now.
        """
        found = self._finder.look(subject.text)
        findings = _findings(found)
        blocking = [kind for kind in findings if kind in rules.pii_block_types]
        if blocking:
            return Judgement(Decision.BLOCK, 1.0, f"holds {', '.join(blocking)}", findings)
        if found.unchecked and _names_block(rules.pii_block_types):
            raise found.unchecked
        return _warning(findings)


class QuestionPiiGuard:
    """Warns of personal data in questions.

    Callers may send their own data; it is redacted wherever the question is stored.
    """

    name = "pii"

    def __init__(self, finder: Finder | None = None) -> None:
        self._finder = finder or Finder()

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Warn when the question contains personal data."""
        return _warning(_findings(self._finder.look(subject.text)))


def _findings(found: Found) -> tuple[str, ...]:
    kinds: AbstractSet[str] = {str(data.type) for data in found.data}
    return tuple(sorted(kinds | {NAMES_UNCHECKED} if found.unchecked else kinds))


def _names_block(block_types: tuple[str, ...]) -> bool:
    return any(kind.value in block_types for kind in NAMES)


def _warning(findings: tuple[str, ...]) -> Judgement:
    if not findings:
        return Judgement(Decision.ALLOW, 0.0)
    return Judgement(Decision.WARN, 0.5, f"holds {', '.join(findings)}", findings)
