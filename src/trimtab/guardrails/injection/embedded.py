"""Orders hidden in an e-mail: tasks for an assistant between sentences that people write to each other.

A hidden order needs none of an attack's words ("Write a poem about the sea."), so the classifier of questions cannot see
it, and in a question the same sentence would be fine. What gives it away is its place: a second classifier knows how
sentences of e-mails read and how tasks for an assistant read. It is used only on text that shows an e-mail's structure,
because manuals are full of orders to their reader.
"""

import re
from pathlib import Path

from trimtab.guardrails.injection.features import features
from trimtab.guardrails.injection.model import InjectionModel, load
from trimtab.guardrails.text.normalise import Normalised
from trimtab.guardrails.text.sentences import Kind, sentences

WEIGHTS = Path(__file__).parent / "embedded.npz"
MOST_SENTENCES = 80
_HEADER = re.compile(
    r"^[ \t]*(?:subject|from|to|sent|date|cc|email_content|betreff|von|asunto|objet)\s*:",
    re.IGNORECASE | re.MULTILINE,
)
_GREETING = re.compile(
    r"^[ \t]*(?:dear|hi|hello|hey|good (?:morning|afternoon|evening)|greetings)\b[^\n.?!]{0,40}[,:!]?[ \t]*$|^[ \t]*(?:dear|hi|hello) [A-Z][^\n.?!]{0,30},",
    re.IGNORECASE | re.MULTILINE,
)
_CLOSING = re.compile(
    r"^[ \t]*(?:(?:best|kind|warm) regards|regards|sincerely|yours (?:faithfully|sincerely|truly)|cheers|thanks|thank you|best)[ \t]*,",
    re.IGNORECASE | re.MULTILINE,
)
_ABOUT_THE_TEXT = re.compile(
    r"\b(?:this|that|following|below|above|given|attached|provided|e-?mail|letter|message|text|passage|it)\b",
    re.IGNORECASE,
)
_FEWEST_MARKS = 2


def is_email(text: str) -> bool:
    """Return whether the text has at least two of: a header line, a greeting, a closing (several headers count as two)."""
    headers = min(2, len(_HEADER.findall(text)))
    return headers + bool(_GREETING.search(text)) + bool(_CLOSING.search(text)) >= _FEWEST_MARKS


def embedded_margin(text: str, weights: Path = WEIGHTS) -> float | None:
    """Return how far the most task-like sentence is above the threshold, in log-odds; None for what is no e-mail.

    A first sentence that speaks of the text below it ("Summarise this e-mail:") is the asker's own request and does not
    count.
    """
    return margin_of(text, load(weights)) if is_email(text) else None


def margin_of(text: str, model: InjectionModel) -> float:
    """Return the margin of the most task-like sentence of an e-mail."""
    parts = [part.text for part in sentences(text)[:MOST_SENTENCES] if part.kind is not Kind.CODE]
    if parts and not _HEADER.match(parts[0]) and _ABOUT_THE_TEXT.search(parts[0]):
        parts = parts[1:]
    scores = [model.score(features(Normalised(part, frozenset()))) for part in parts]
    return max(scores, default=-30.0) - model.query_threshold
