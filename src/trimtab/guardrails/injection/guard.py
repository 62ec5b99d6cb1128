"""Injection guards of questions and passages: patterns, then classifiers."""

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

MAX_SENTENCES = 60
"""Maximum number of sentences that form windows, alone and in pairs.

Pairs matter because an attack is often one sentence of preparation and one command.
"""
WINDOW_MARGIN = 2.4
"""Log-odds subtracted from the score of a window of a question."""
EMAIL_MARGIN = 6.0
"""Log-odds subtracted from the attack score of an e-mail.

People write instructions to each other, and with many sentences false alarms add up.
"""
MAX_WORD_LETTERS = 20
"""A longer word may be a sentence without spaces."""
SURE = 20.0
"""Log-odds of a pattern match."""


class InjectionGuard:
    """Blocks questions that try to override the instructions."""

    name = "injection"

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Block on a pattern match, or on a score above the threshold."""
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
    """Blocks retrieved passages that give instructions to the model."""

    name = "passages"

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Block a passage whose worst window scores above the passage threshold."""
        margin = passage_margin(subject.text) if rules.injection_enabled else -math.inf
        if margin > 0:
            return Judgement(Decision.BLOCK, squashed(margin), "orders to the model", ("passage",))
        return Judgement(Decision.ALLOW, squashed(margin))


def is_one_word(text: str) -> bool:
    """Return whether the text is a single short word of ASCII letters.

    Such a text cannot be an instruction. The classifier has seen few of them and blocked "example",
    the test question of the operations documents.
    """
    word = text.strip().rstrip("?!.")
    return word.isascii() and word.isalpha() and len(word) <= MAX_WORD_LETTERS


def query_margin(normalised: Normalised) -> float:
    """Return the log-odds margin over the question threshold; attacks are above 0.

    The whole text and each window are scored. Long text has many windows, each of which may be a
    false alarm, so windows need a higher score.
    """
    return SURE if matches(normalised.text) else classified_margin(normalised)


def classified_margin(normalised: Normalised) -> float:
    """Return the margin of both classifiers, for a text without pattern match."""
    attack = query_attack_margin(normalised)
    embedded = embedded_margin(normalised.text)
    return attack if embedded is None else max(embedded, attack - EMAIL_MARGIN)


def query_attack_margin(normalised: Normalised) -> float:
    """Return the margin of the attack classifier, in log-odds."""
    model = load()
    return attack_score(normalised, model) - model.query_threshold


def attack_score(normalised: Normalised, model: InjectionModel) -> float:
    """Return the maximum log-odds of an attack over text and windows.

    `WINDOW_MARGIN` is subtracted from the scores of windows.
    """
    windows = map(model.score, _windows(normalised))
    return max(model.score(features(normalised)), max(windows, default=-math.inf) - WINDOW_MARGIN)


@erasable_lru_cache(4_096)
def passage_margin(text: str) -> float:
    """Return the margin of a passage's worst window over its threshold.

    Passages do not change and are retrieved repeatedly, so the latest results are cached.
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
    """Map the margin to [0, 1], with the threshold at 0.5."""
    bounded = max(-30.0, min(30.0, margin))
    return round(1 / (1 + math.exp(-bounded)), 4)


def _windows(normalised: Normalised) -> Iterator[Features]:
    """Yield the features of sentences and adjacent pairs, if several."""
    parts = [part.text for part in sentences(normalised.text)][:MAX_SENTENCES]
    if len(parts) < 2:
        return
    cuts = [Cut.of(part) for part in parts]
    for cut in cuts:
        yield cut.features(normalised.disguises)
    for first, second in pairwise(cuts):
        yield first.followed_by(second).features(normalised.disguises)
