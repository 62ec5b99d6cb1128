"""Detects instructions to an assistant that are hidden in an e-mail.

A hidden instruction needs no words of an attack ("Write a poem about the sea."), so the classifier
of questions does not detect it, and as a question the same sentence would be harmless. A second
classifier therefore separates sentences of e-mails from tasks for an assistant. A sentence that
shares words with other sentences of the e-mail scores lower. It runs only on text with the
structure of an e-mail, because manuals are full of instructions to their reader.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from trimtab.guardrails.injection.features import features
from trimtab.guardrails.injection.model import InjectionModel, load
from trimtab.text.normalise import Normalised
from trimtab.text.sentences import BlockKind, sentences
from trimtab.text.words import STOP_WORDS, folded, stems

WEIGHTS = Path(__file__).parent / "embedded.npz"
MAX_SENTENCES = 80
SHARED = 2.0
"""Log-odds subtracted when all content words of a sentence occur in other sentences too."""
OWN_WORD, MAX_OWN_WORDS = 0.2, 8
"""Log-odds for each content word, and the maximum count: very short lines are not tasks."""
_HEADER = re.compile(
    r"(?:^|(?<=\s))(?:e?mail[_ ])?(?:subject|from|to|sent|date|received(?: date)?|cc|sender|recipients?|content|body|betreff|von|an|datum"
    r"|asunto|de|para|fecha|objet|à|oggetto|assunto)[ \t]*:[ \t]*\S",
    re.IGNORECASE,
)
_HEADERS_WITHIN = 400
"""Number of leading characters in which headers count; later ones are quoted or in a list."""
_GREETING = re.compile(
    r"^[ \t]*(?:dear|hi|hello|hey|good (?:morning|afternoon|evening)|greetings)\b[^\n.?!]{0,40}[,:!]?[ \t]*$|^[ \t]*(?:dear|hi|hello) [A-Z][^\n.?!]{0,30},",
    re.IGNORECASE | re.MULTILINE,
)
_CLOSING = re.compile(
    r"^[ \t]*(?:(?:best|kind|warm) regards|regards|sincerely|yours (?:faithfully|sincerely|truly)|cheers|thanks|thank you|best)[ \t]*,",
    re.IGNORECASE | re.MULTILINE,
)
_CLOSING_SIGNS = ("regards", "sincerely", "yours ", "cheers", "thank", "best")
_ABOUT_THE_TEXT = re.compile(
    r"\b(?:this|that|following|below|above|given|attached|provided|e-?mail|letter|message|text|passage|it)\b",
    re.IGNORECASE,
)
_MIN_MARKS = 2


def is_email(text: str) -> bool:
    """Return whether the text has the structure of an e-mail.

    It has at least two of: a header, a greeting, a closing; several headers count as two.
    """
    top, plain = text[:_HEADERS_WITHIN], folded(text)
    marks = min(_MIN_MARKS, len(_HEADER.findall(top))) if ":" in top else 0
    marks += any(sign in plain for sign in _CLOSING_SIGNS) and bool(_CLOSING.search(text))
    # A greeting alone is not enough, and its pattern is the most expensive.
    return marks >= _MIN_MARKS or (marks > 0 and bool(_GREETING.search(text)))


def embedded_margin(text: str, weights: Path = WEIGHTS) -> float | None:
    """Return the margin of the most task-like sentence; None without e-mail.

    A first sentence about the text that follows ("Summarise this e-mail:") is the user's own
    request and does not count.
    """
    return margin_of(text, load(weights)) if is_email(text) else None


def margin_of(text: str, model: InjectionModel) -> float:
    """Return the log-odds margin over the threshold of the most task-like sentence."""
    parts = [
        part.text for part in sentences(text)[:MAX_SENTENCES] if part.kind is not BlockKind.CODE
    ]
    if parts and not _HEADER.match(parts[0].lstrip()) and _ABOUT_THE_TEXT.search(parts[0]):
        parts = parts[1:]
    scores = (
        model.score(features(Normalised(part, frozenset()))) + adjustment
        for part, adjustment in zip(parts, _overlap_adjustments(parts), strict=True)
    )
    return max(scores, default=-30.0) - model.query_threshold


def _overlap_adjustments(parts: Sequence[str]) -> Iterator[float]:
    """Yield the log-odds adjustment of each sentence for its overlap.

    Sentences of the e-mail share words with each other; a hidden task has words of its own.
    """
    contents = [
        frozenset(term for term in stems(part) if len(term) > 2) - STOP_WORDS for part in parts
    ]
    uses = Counter(term for content in contents for term in content)
    for content in contents:
        shared = sum(uses[term] > 1 for term in content) / max(1, len(content))
        yield OWN_WORD * min(len(content), MAX_OWN_WORDS) - SHARED * shared
