"""Orders hidden in an e-mail: tasks for an assistant between sentences that people write to each other.

A hidden order needs none of an attack's words ("Write a poem about the sea."), so the classifier of questions cannot see
it, and in a question the same sentence would be fine. What gives it away is its place: a second classifier knows how
sentences of e-mails read and how tasks for an assistant read. A sentence that shares its
words with the rest belongs to the e-mail, one that shares none may not. It is used only on text that shows an e-mail's
structure, because manuals are full of orders to their reader.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from trimtab.guardrails.injection.features import features
from trimtab.guardrails.injection.model import InjectionModel, load
from trimtab.text.normalise import Normalised
from trimtab.text.prefilter import folded, shows
from trimtab.text.sentences import BlockKind, sentences
from trimtab.text.words import STOP_WORDS, stems

WEIGHTS = Path(__file__).parent / "embedded.npz"
MOST_SENTENCES = 80
SHARED = 2.0
"""Log-odds that a sentence loses when all its content words stand in other sentences too."""
OWN_WORD, MOST_OWN_WORDS = 0.2, 8
"""Log-odds for each content word, up to so many: "Best," and "Sales" are no tasks."""
_HEADER = re.compile(
    r"(?:^|(?<=\s))(?:e?mail[_ ])?(?:subject|from|to|sent|date|received(?: date)?|cc|sender|recipients?|content|body|betreff|von|an|datum"
    r"|asunto|de|para|fecha|objet|à|oggetto|assunto)[ \t]*:[ \t]*\S",
    re.IGNORECASE,
)
_HEADERS_WITHIN = 400
"""Characters from the start in which headers count; later ones are quoted or belong to a list."""
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
_FEWEST_MARKS = 2


def is_email(text: str) -> bool:
    """Return whether the text has at least two of: a header, a greeting, a closing (several headers count as two)."""
    top, plain = text[:_HEADERS_WITHIN], folded(text)
    marks = min(_FEWEST_MARKS, len(_HEADER.findall(top))) if ":" in top else 0
    marks += shows(plain, _CLOSING_SIGNS) and bool(_CLOSING.search(text))
    # A greeting alone is too little, and to look for one costs the most.
    return marks >= _FEWEST_MARKS or (marks > 0 and bool(_GREETING.search(text)))


def embedded_margin(text: str, weights: Path = WEIGHTS) -> float | None:
    """Return how far the most task-like sentence is above the threshold, in log-odds; None for what is no e-mail.

    A first sentence that speaks of the text below it ("Summarise this e-mail:") is the asker's own request and does not
    count.
    """
    return margin_of(text, load(weights)) if is_email(text) else None


def margin_of(text: str, model: InjectionModel) -> float:
    """Return the margin of the most task-like sentence of an e-mail."""
    parts = [
        part.text for part in sentences(text)[:MOST_SENTENCES] if part.kind is not BlockKind.CODE
    ]
    if parts and not _HEADER.match(parts[0].lstrip()) and _ABOUT_THE_TEXT.search(parts[0]):
        parts = parts[1:]
    scores = (
        model.score(features(Normalised(part, frozenset()))) + apart
        for part, apart in zip(parts, _apart(parts), strict=True)
    )
    return max(scores, default=-30.0) - model.query_threshold


def _apart(parts: Sequence[str]) -> Iterator[float]:
    """Yield for each sentence how little it belongs to the others, in log-odds.

    A sentence of the e-mail itself speaks of what the others speak of; a hidden task has words of its own.
    """
    contents = [
        frozenset(term for term in stems(part) if len(term) > 2) - STOP_WORDS for part in parts
    ]
    uses = Counter(term for content in contents for term in content)
    for content in contents:
        shared = sum(uses[term] > 1 for term in content) / max(1, len(content))
        yield OWN_WORD * min(len(content), MOST_OWN_WORDS) - SHARED * shared
