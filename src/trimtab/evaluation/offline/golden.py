"""Coverage of the golden questions compared with real questions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from trimtab.answers.question import classify_question
from trimtab.evaluation.offline.cases import EvaluationCase

FEWEST_SHARE = 0.5
"""A category below half its share among real questions is under-represented."""


@dataclass(frozen=True, slots=True)
class GoldenStats:
    """The golden questions counted."""

    cases: int
    answered: int
    """Those whose answer the documents hold; the others are rightly "not found"."""
    repeated: int
    """Those that ask what another one asks already."""
    categories: dict[str, int]

    def as_dict(self) -> dict[str, object]:
        """Return it, JSON-ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Gap:
    """A category that is asked more than it is tested."""

    category: str
    asked_share: float
    golden_share: float
    missing: int
    """Number of golden questions to add to reach the share among real questions."""

    def as_dict(self) -> dict[str, object]:
        """Return a JSON-serialisable dict; ``missing`` has the name that readers know."""
        found: dict[str, object] = asdict(self)
        return {("wanted" if name == "missing" else name): value for name, value in found.items()}


def category(case: EvaluationCase) -> str:
    """Return the project and the kind of thing that is asked for, such as ``handbook/time``."""
    return f"{case.project}/{classify_question(case.question).value}"


def stats(cases: Sequence[EvaluationCase]) -> GoldenStats:
    """Count the golden questions."""
    plain = {(case.project, " ".join(case.question.casefold().split())) for case in cases}
    return GoldenStats(
        len(cases),
        sum(bool(case.answers) for case in cases),
        len(cases) - len(plain),
        dict(sorted(_counted(cases).items())),
    )


def coverage(golden: Sequence[EvaluationCase], asked: Sequence[EvaluationCase]) -> tuple[Gap, ...]:
    """Return the under-represented categories, those that are asked most first."""
    known, real = _counted(golden), _counted(asked)
    gaps = []
    for name, count in real.most_common():
        share, has = count / len(asked), known[name] / max(1, len(golden))
        if has < FEWEST_SHARE * share:
            missing = max(1, round(share * len(golden)) - known[name])
            gaps.append(Gap(name, round(share, 4), round(has, 4), missing))
    return tuple(gaps)


def _counted(cases: Iterable[EvaluationCase]) -> Counter[str]:
    return Counter(category(case) for case in cases)
