"""The injection guard: patterns first, then the classifier over the text and its windows of sentences."""

import math
from collections.abc import Iterator
from itertools import pairwise

from trimtab.guardrails.guard import Subject
from trimtab.guardrails.injection.embedded import embedded_margin
from trimtab.guardrails.injection.features import Cut, Features, features
from trimtab.guardrails.injection.model import InjectionModel, load
from trimtab.guardrails.injection.patterns import matches
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision, Judgement
from trimtab.kernel.erasable_cache import erasable_lru_cache
from trimtab.text.normalise import Normalised, normalise
from trimtab.text.sentences import sentences

MOST_SENTENCES = 60
"""Of them and of their pairs windows are made: an order is often one sentence to prepare and one to command."""
WINDOW_MARGIN = 2.4
"""How much more than the whole text a window of a question must score."""
EMAIL_MARGIN = 6.0
"""How much more an e-mail must score as an attack: people write orders to each other, and many sentences are many chances."""
LONGEST_WORD = 20
"""Letters of a word; a longer one may be a sentence without spaces."""
SURE = 20.0
"""The log-odds given to a pattern's match."""


class InjectionGuard:
    """Judges questions: is this text an attempt to take the place of our instructions?"""

    name = "injection"

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Block what a pattern matches or the classifier scores above its threshold."""
        if not rules.injection_enabled:
            return Judgement(Decision.ALLOW)
        normalised = normalise(subject.text)
        found = matches(normalised.text)
        if found:
            return Judgement(Decision.BLOCK, 1.0, f"pattern {found[0]}", found)
        if is_one_word(subject.text):
            return Judgement(Decision.ALLOW)
        margin = classified_margin(normalised)
        if margin > 0:
            return Judgement(Decision.BLOCK, squashed(margin), "classifier", ("classifier",))
        return Judgement(Decision.ALLOW, squashed(margin))


class PassageGuard:
    """Judges retrieved passages: does this text give orders to the model?"""

    name = "passages"

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Block a passage whose worst window is above the threshold for passages."""
        margin = passage_margin(subject.text) if rules.injection_enabled else -math.inf
        if margin > 0:
            return Judgement(Decision.BLOCK, squashed(margin), "orders to the model", ("passage",))
        return Judgement(Decision.ALLOW, squashed(margin))


def is_one_word(text: str) -> bool:
    """Return whether the text is one short word of Latin letters: it gives no order, whatever it scores.

    The classifier has seen few such questions, and stopped "example", with which the operations documents try a service.
    """
    word = text.strip().rstrip("?!.")
    return word.isascii() and word.isalpha() and len(word) <= LONGEST_WORD


def query_margin(normalised: Normalised) -> float:
    """Return how far the text is above the threshold for questions, in log-odds; attacks are above 0.

    The whole text and each window count; long text has more windows, and with each one a chance of a false alarm, so
    windows must score higher.
    """
    return SURE if matches(normalised.text) else classified_margin(normalised)


def classified_margin(normalised: Normalised) -> float:
    """Return the margin by the classifiers alone, for a text that shows no pattern."""
    attack = query_attack_margin(normalised)
    embedded = embedded_margin(normalised.text)
    return attack if embedded is None else max(embedded, attack - EMAIL_MARGIN)


def query_attack_margin(normalised: Normalised) -> float:
    """Return the margin of the classifier of attacks alone."""
    model = load()
    return attack_score(normalised, model) - model.query_threshold


def attack_score(normalised: Normalised, model: InjectionModel) -> float:
    """Return the log-odds of the whole text or of its worst window less `WINDOW_MARGIN`, whichever is higher."""
    windows = map(model.score, _windows(normalised))
    return max(model.score(features(normalised)), max(windows, default=-math.inf) - WINDOW_MARGIN)


@erasable_lru_cache(4_096)
def passage_margin(text: str) -> float:
    """Return how far the worst window of a retrieved passage is above the threshold for passages.

    Passages do not change and the same ones are retrieved again and again, so the last few thousand are remembered.
    """
    normalised = normalise(text)
    if matches(normalised.text):
        return SURE
    model = load()
    windows = list(_windows(normalised)) or [features(normalised)]
    worst = max(map(model.score, windows)) - model.passage_threshold
    embedded = embedded_margin(normalised.text)
    return worst if embedded is None else max(worst, embedded)


def squashed(margin: float) -> float:
    """Return the margin as a number in [0, 1]; 0.5 is the threshold."""
    bounded = max(-30.0, min(30.0, margin))
    return round(1 / (1 + math.exp(-bounded)), 4)


def _windows(normalised: Normalised) -> Iterator[Features]:
    """Yield the features of each sentence and of each pair of neighbours, when there is more than one sentence."""
    parts = [part.text for part in sentences(normalised.text)][:MOST_SENTENCES]
    if len(parts) < 2:
        return
    cuts = [Cut.of(part) for part in parts]
    for cut in cuts:
        yield cut.features(normalised.disguises)
    for first, second in pairwise(cuts):
        yield first.followed_by(second).features(normalised.disguises)
