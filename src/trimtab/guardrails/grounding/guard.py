"""Grounding guard: sentences of answers must be supported by their sources."""

import re

from trimtab.guardrails.grounding.model import grounded
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.quantities import in_notation_of
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision, Judgement
from trimtab.text.sentences import sentences

_MARK = re.compile(r"(?:(?<!\s)\s++)?\[\d{1,3}\]")
MAX_SENTENCES = 20


class GroundingGuard:
    """Judges an answer by its worst sentence.

    The score is the probability that this sentence is not supported.
    """

    name = "hallucination"

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Warn above ``hallucination_threshold``, block above ``hallucination_block_threshold``."""
        if not subject.sources:
            return Judgement(Decision.ALLOW, None, "nothing is cited")
        worst = max(hallucinations(subject), default=0.0)
        if worst > rules.hallucination_block_threshold:
            return Judgement(Decision.BLOCK, worst, "a sentence is not supported by its sources")
        if worst > rules.hallucination_threshold:
            return Judgement(Decision.WARN, worst, "a sentence is weakly supported by its sources")
        return Judgement(Decision.ALLOW, worst)


def hallucinations(subject: Subject) -> list[float]:
    """Return the hallucination score of each sentence: 1 - its grounding score."""
    context = "\n\n".join(subject.sources)
    parts = sentences(_MARK.sub("", subject.text))[:MAX_SENTENCES]
    claims = (
        part.text if part.text in context else in_notation_of(context, part.text) for part in parts
    )
    return [round(1 - grounded(context, claim, subject.question), 4) for claim in claims]
