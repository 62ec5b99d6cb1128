"""The guard of personal data in answers and questions."""

from collections import Counter

from trimtab.guardrails.guard import Subject
from trimtab.guardrails.pii.find import find
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision, Judgement


class PiiGuard:
    """Blocks answers with the kinds of data that the rules name, and warns of the others."""

    name = "pii"

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Judge by the kinds that are found; the data itself is never part of the judgement."""
        kinds = Counter(data.type.value for data in find(subject.text))
        if not kinds:
            return Judgement(Decision.ALLOW, 0.0)
        findings = tuple(sorted(kinds))
        blocking = [kind for kind in findings if kind in rules.pii_block_types]
        decision = Decision.BLOCK if blocking else Decision.WARN
        reason = f"holds {', '.join(blocking or findings)}"
        return Judgement(decision, 1.0 if blocking else 0.5, reason, findings)


class QuestionPiiGuard:
    """Warns of personal data in a question: the asker may send it, but it is redacted where it is kept."""

    name = "pii"

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Warn when there is any."""
        kinds = tuple(sorted({data.type.value for data in find(subject.text)}))
        if not kinds:
            return Judgement(Decision.ALLOW, 0.0)
        return Judgement(Decision.WARN, 0.5, f"holds {', '.join(kinds)}", kinds)
