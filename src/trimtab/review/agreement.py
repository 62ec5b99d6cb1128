"""Agreement between annotators: Cohen's kappa."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trimtab.review.records import QueueItem


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of two annotators over the items that both judged."""

    annotators: tuple[str, str]
    items: int
    observed: float
    """Share of the items with the same verdict."""
    kappa: float | None
    """Agreement beyond chance; None when both gave one verdict only, so chance explains all."""


def cohens_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of two raters' labels; None when it is undefined.

    It is (po - pe) / (1 - pe), with the observed agreement po and the agreement pe that the raters'
    own label frequencies would give randomly.
    """
    if not pairs:
        return None
    count = len(pairs)
    observed = sum(first == second for first, second in pairs) / count
    firsts, seconds = Counter(first for first, _ in pairs), Counter(second for _, second in pairs)
    expected = sum(firsts[label] * seconds[label] for label in firsts) / count**2
    return None if expected >= 1 else (observed - expected) / (1 - expected)


def agreements(items: Iterable[QueueItem]) -> tuple[Agreement, ...]:
    """Return the agreement of each pair of annotators, most items first."""
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for item in items:
        first_two = [each for each in item.annotations if each.kind == "annotation"][:2]
        if len(first_two) == 2:
            first, second = sorted(first_two, key=lambda each: each.annotator)
            names = (first.annotator, second.annotator)
            pairs.setdefault(names, []).append((first.verdict, second.verdict))
    found = [
        Agreement(
            names, len(given), sum(a == b for a, b in given) / len(given), cohens_kappa(given)
        )
        for names, given in pairs.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.items, each.annotators)))
