"""Records of the earnings analyzer: statements, analysed sentences, reports."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class FinancialStatement:
    """One amount that a company reports or expects."""

    metric: str
    amount: float
    """In base units: 4.0 is four per cent; negative for losses."""
    unit: str
    value_kind: str
    """``level`` or ``change``."""
    direction: str
    """``up``, ``down``, ``flat`` or ``none``."""
    period: str
    basis: str
    """``year_over_year``, ``sequential`` or empty."""
    nature: str
    """``result`` or ``guidance``."""
    bound: str
    """``low`` or ``high`` for the ends of a range."""
    start: int
    end: int
    comparator: bool = False
    """Whether another amount of the sentence is compared with this one."""

    def to_json(self) -> dict[str, object]:
        """Return the statement as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class AnalysedSentence:
    """A sentence with its statements and tone; offsets in characters of the whole text."""

    start: int
    end: int
    text: str
    statements: tuple[FinancialStatement, ...]
    tone: str
    """``positive``, ``negative`` or ``neutral``, for the company."""
    probabilities: Mapping[str, float]

    def to_json(self) -> dict[str, object]:
        """Return the sentence as a JSON object; its text is ``[start:end]`` of the whole."""
        return {
            "start": self.start,
            "end": self.end,
            "tone": self.tone,
            "statements": [statement.to_json() for statement in self.statements],
        }
