"""Injection guards of questions and passages: patterns, then classifiers."""

import math
import re
from collections.abc import Iterator, Sequence, Set
from itertools import pairwise

from trimtab.guardrails.guard import Subject
from trimtab.guardrails.injection.concepts import concepts
from trimtab.guardrails.injection.embedded import embedded_margin
from trimtab.guardrails.injection.features import Cut, features
from trimtab.guardrails.injection.mentions import without_mentions
from trimtab.guardrails.injection.model import InjectionModel, load
from trimtab.guardrails.injection.patterns import matches
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import Decision, Judgement
from trimtab.kernel.erasable_cache import erasable_lru_cache
from trimtab.text.normalise import Disguise, Normalised, normalise
from trimtab.text.sentences import sentences
from trimtab.text.words import STOP_WORDS, words

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
MAX_PHRASE_LETTERS, MAX_PHRASE_WORDS, MAX_PHRASE_TOKENS, PHRASE_ALLOWANCE = 24, 3, 6, 2.5
"""A phrase of this size with at most one concept of an attack needs so much more log-odds.

The tokens count where no spaces separate words: there they are pairs of characters.
"""
MAX_QUESTION_LETTERS, QUESTION_ALLOWANCE = 60, 1.4
"""The same for a short question."""
MAX_IMPERSONAL_LETTERS, IMPERSONAL_ALLOWANCE = 100, 2.0
"""The same for an English question that addresses no one: attacks ask the assistant for its own."""
MAX_SEARCH_LETTERS, MAX_SEARCH_STOP_WORDS, SEARCH_ALLOWANCE = 60, 2, 1.5
"""The same for words of a search field, such as "max request payload size"."""
MANUAL_ALLOWANCE = 1.5
"""Log-odds by which a sentence may exceed the threshold of passages and be quoted to a person when
it names no concepts of an attack but those that manuals use too, `_OF_ADMINISTRATORS`."""
ASSISTANT_SUSPICION = 2.5
"""Log-odds added to a window of a passage that names an order of attacks and what it is about: the
assistant, or rules and whose they are ("reveal your guidelines"). Manuals seldom do; of those that
do, a model reads nothing, and people are shown everything."""
LONG_CHARACTERS, LONG_ALLOWANCE = 300, 2.0
"""Characters from which the threshold rises, and the log-odds added to it at twice as many."""
_QUESTION_WORD = re.compile(
    r"\b(?:what|which|who|whom|whose|when|where|why|how)\b"
    r"|\A(?:is|are|was|were|do|does|did|can|could|may|must|should|will|has|have)\b",
    re.IGNORECASE,
)
"""People type questions without the mark, too."""
_ADDRESS = re.compile(r"\b(?:you|your|yours|yourself|u|ur|my)\b", re.IGNORECASE)
_ADDRESSES = frozenset({"you", "your", "yours", "yourself", "u", "ur", "my", "me"})
_WANTED_BY_ATTACKS = frozenset({"rules", "reveal", "secret", "machine"})
"""Concepts that have no place in words for a search."""
_OF_ADMINISTRATORS = frozenset({"power", "you", "drop"})
"""Concepts of sentences such as "use sudo", "switch the mode" and "drop the old table": an order to
a model also names what it is to reveal or to ignore."""
_ORDERS = frozenset({"drop", "reveal", "play", "say"})
_OF_PRINT = frozenset({Disguise.SPACING, Disguise.LEET})
_NOT_SEARCHED = frozenset("`$(){}<>|&;=:!'\"\n")
"""Code, quotes and orders have these characters; words for a search do not."""
_QUESTION_MARKS = ("?", "？", "؟")  # noqa: RUF001 - marks of several scripts.


class InjectionGuard:
    """Blocks questions that try to override the instructions."""

    name = "injection"

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Block on a pattern match, or on a score above the threshold."""
        if not rules.injection_enabled:
            return Judgement(Decision.ALLOW)
        margin, found = question_margin(subject.text)
        if found:
            return Judgement(Decision.BLOCK, 1.0, f"pattern {found[0]}", found)
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


def question_margin(text: str) -> tuple[float, tuple[str, ...]]:
    """Return the log-odds margin over the question threshold, and the patterns that match.

    Attacks are above 0. The whole text and each window are scored. Long text has many windows, each
    of which may be a false alarm, so windows need a higher score. A quoted attack that the question
    only reports does not count.
    """
    normalised = normalise(text)
    found = matches(normalised.text)
    if found:
        margin = SURE
    elif is_one_word(text):
        return -SURE, ()
    else:
        attack = query_attack_margin(normalised)
        embedded = embedded_margin(normalised.text)
        margin = attack if embedded is None else max(embedded, attack - EMAIL_MARGIN)
    if margin > 0:
        rest = without_mentions(text)
        if rest is not None:
            return question_margin(rest)
        margin -= 0.0 if found else _allowance(normalised)
    return margin, found


def _allowance(normalised: Normalised) -> float:
    """Return the log-odds by which a very short text may exceed the threshold.

    Its score rests on the letters of one or two words. An order to the assistant needs two concepts
    of an attack, such as a verb of revealing and the assistant's rules.
    """
    text = normalised.text.strip()
    found = words(text)
    named = {name for name in concepts(found) if " " not in name}
    if normalised.disguises or len(named) > 1:
        return 0.0
    is_phrase = len(text) <= MAX_PHRASE_LETTERS and len(text.split()) <= MAX_PHRASE_WORDS
    if is_phrase and len(found) <= MAX_PHRASE_TOKENS and not text.endswith(":"):
        return PHRASE_ALLOWANCE
    is_impersonal = text.isascii() and "you" not in named and not _ADDRESS.search(text)
    is_marked = text.endswith(_QUESTION_MARKS)
    asked = _QUESTION_WORD.search(text)
    asks = asked is not None and (is_marked or asked.start() == 0)
    if asks and is_impersonal and len(text) <= MAX_IMPERSONAL_LETTERS:
        return IMPERSONAL_ALLOWANCE
    if is_marked and len(text) <= MAX_QUESTION_LETTERS:
        return QUESTION_ALLOWANCE
    is_search = is_impersonal and not named & _WANTED_BY_ATTACKS and _is_search(text, found)
    return SEARCH_ALLOWANCE if is_search else 0.0


def _is_search(text: str, found: Sequence[str]) -> bool:
    """Return whether the text looks like words typed into a search field."""
    stop_words = sum(word in STOP_WORDS for word in found)
    is_terse = len(text) <= MAX_SEARCH_LETTERS and stop_words <= MAX_SEARCH_STOP_WORDS
    return is_terse and not text.endswith(".") and not _NOT_SEARCHED & set(text)


def query_attack_margin(normalised: Normalised) -> float:
    """Return the margin of the attack classifier, in log-odds.

    The threshold rises with the length: role plays and research requests have many sentences, and
    the frames of jailbreaks without their orders.
    """
    model = load()
    excess = min(1.0, max(0.0, len(normalised.text) / LONG_CHARACTERS - 1))
    return attack_score(normalised, model) - model.query_threshold - LONG_ALLOWANCE * excess


def attack_score(normalised: Normalised, model: InjectionModel) -> float:
    """Return the maximum log-odds of an attack over text and windows.

    `WINDOW_MARGIN` is subtracted from the scores of windows.
    """
    windows = (model.score(cut.features(normalised.disguises)) for cut in _windows(normalised))
    return max(model.score(features(normalised)), max(windows, default=-math.inf) - WINDOW_MARGIN)


@erasable_lru_cache(4_096)
def passage_margin(text: str, suspicion: float = ASSISTANT_SUSPICION) -> float:
    """Return the margin of a passage's worst window over its threshold.

    ``suspicion`` is added to windows that are about the assistant.

    Passages do not change and are retrieved repeatedly, so the latest results are cached. A quoted
    attack that the passage only reports does not count, nor does a title that is printed with
    spaces between its letters.
    """
    normalised = normalise(text)
    rest = without_mentions(text)
    if matches(normalised.text):
        return SURE if rest is None else passage_margin(rest, suspicion)
    model = load()
    scores: list[float] = []
    for window in list(_windows(normalised)) or [Cut.of(normalised.text)]:
        named = {name for name in concepts(window.words) if " " not in name}
        disguises = normalised.disguises if named else normalised.disguises - _OF_PRINT
        added = suspicion if _is_about_assistant(named, window.words) else 0.0
        scores.append(model.score(window.features(disguises)) + added)
    worst = max(scores) - model.passage_threshold
    embedded = embedded_margin(normalised.text)
    margin = worst if embedded is None else max(worst, embedded)
    return margin if margin <= 0 or rest is None else passage_margin(rest, suspicion)


def _is_about_assistant(named: Set[str], tokens: Sequence[str]) -> bool:
    """Return whether a window with these concepts names an order and what it is about."""
    if named.isdisjoint(_ORDERS):
        return False
    return "machine" in named or ("rules" in named and not _ADDRESSES.isdisjoint(tokens))


def unquotable_spans(text: str) -> tuple[tuple[int, int], ...] | None:
    """Return the (start, end) of what must not be quoted of a blocked passage; None means all.

    Manuals give orders to their reader in the words of attacks. A model must read none of them; a
    person may read their page without the orders. All is withheld when a pattern says that it is an
    attack, and when the text is an e-mail that hides an order.
    """
    if passage_margin(text) >= SURE:
        return None
    parts = sentences(text)[:MAX_SENTENCES]
    orders = {at for at, part in enumerate(parts) if _is_order(part.text)}
    for at, (first, second) in enumerate(pairwise(parts)):
        if not orders & {at, at + 1} and _is_order(text[first.start : second.end]):
            orders |= {at, at + 1}
    rest = "\n\n".join(part.text for at, part in enumerate(parts) if at not in orders)
    hidden = embedded_margin(normalise(rest).text)
    if not rest or (hidden is not None and hidden > 0):
        return None
    return tuple((parts[at].start, parts[at].end) for at in sorted(orders))


def _is_order(text: str) -> bool:
    """Return whether a sentence orders the model, as opposed to the reader of a manual."""
    margin = passage_margin(text, 0.0)
    if margin <= 0:
        return False
    named = {name for name in concepts(words(text)) if " " not in name}
    return margin > MANUAL_ALLOWANCE or not named <= _OF_ADMINISTRATORS


def squashed(margin: float) -> float:
    """Map the margin to [0, 1], with the threshold at 0.5."""
    bounded = max(-30.0, min(30.0, margin))
    return round(1 / (1 + math.exp(-bounded)), 4)


def _windows(normalised: Normalised) -> Iterator[Cut]:
    """Yield the sentences and the pairs of adjacent ones, if several."""
    parts = [part.text for part in sentences(normalised.text)][:MAX_SENTENCES]
    if len(parts) < 2:
        return
    cuts = [Cut.of(part) for part in parts]
    yield from cuts
    for first, second in pairwise(cuts):
        yield first.followed_by(second)
