"""Similar past incidents, by TF-IDF and cosine similarity."""

import math
import re
from collections import Counter
from collections.abc import Sequence

from trimtab.incidents.model import Incident, Similar

_WORD = re.compile(r"[a-z0-9]{2,}")


def similar(incident: Incident, past: Sequence[Incident], limit: int = 3) -> tuple[Similar, ...]:
    """Return the most similar resolved incidents with a common word, best first."""
    others = [other for other in past if other.id != incident.id]
    return _ranked(_words(incident), others, limit)


def search_incidents(text: str, past: Sequence[Incident], limit: int) -> tuple[Similar, ...]:
    """Return the incidents that have words of a text, best first."""
    return _ranked(Counter(_WORD.findall(text.lower())), past, limit)


def _ranked(asked: Counter[str], past: Sequence[Incident], limit: int) -> tuple[Similar, ...]:
    texts = [asked, *(_words(other) for other in past)]
    seen_in: Counter[str] = Counter()
    for words in texts:
        seen_in.update(words.keys())
    vectors = [
        {word: count * (1 + math.log(len(texts) / seen_in[word])) for word, count in words.items()}
        for words in texts
    ]
    scored = [
        (_cosine(vectors[0], vector), other)
        for vector, other in zip(vectors[1:], past, strict=True)
    ]
    scored.sort(key=lambda pair: (-pair[0], pair[1].id))
    return tuple(_similar(score, other) for score, other in scored[:limit] if score > 0)


def _words(incident: Incident) -> Counter[str]:
    parts = [incident.title, incident.component, incident.system]
    for attached in incident.alerts:
        alert = attached.alert
        parts += [alert.name, *alert.labels.values(), *alert.annotations.values()]
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", " ".join(parts)).lower()
    return Counter(_WORD.findall(split))


def _cosine(first: dict[str, float], other: dict[str, float]) -> float:
    product = sum(weight * other.get(word, 0.0) for word, weight in first.items())
    lengths = math.hypot(*first.values()) * math.hypot(*other.values())
    return product / lengths if lengths else 0.0


def _similar(score: float, other: Incident) -> Similar:
    worked = [attempt.cause_id for attempt in other.attempts if attempt.outcome == "worked"]
    return Similar(
        other.id,
        round(score, 3),
        worked[-1] if worked else "",
        other.episode.root_cause,
        other.episode.resolution,
    )
