"""Retrieval canary: asks questions whose document is known."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trimtab.answers.deadlines import Retriever
from trimtab.evaluation.errors import BadQuestionSet
from trimtab.kernel.errors import TrimtabError


@dataclass(frozen=True, slots=True)
class CanaryProbe:
    """A question with the name of the document that answers it."""

    project: str
    question: str
    document_name: str


@dataclass(frozen=True, slots=True)
class CanaryReport:
    """Result of one run."""

    probes: int
    recall: float
    """Probes whose document was among the passages, in [0, 1]."""
    mean_reciprocal_rank: float
    degraded: int
    missed: tuple[str, ...]
    """The questions whose document was not found."""
    error: str = ""
    """The last failure of retrieval itself."""


@dataclass(frozen=True, slots=True)
class Canary:
    """Asks the probes of a retriever."""

    retriever: Retriever
    probes: Sequence[CanaryProbe]
    top_k: int = 5

    def run(self) -> CanaryReport:
        """Ask all of them now. A probe whose search fails counts as missed."""
        missed, ranks, degraded, error = [], [], 0, ""
        for probe in self.probes:
            try:
                found = self.retriever.search(probe.project, probe.question, self.top_k)
            except TrimtabError as failure:
                error = failure.message
                missed.append(probe.question)
                continue
            degraded += found.degraded_mode
            names = [passage.document_name for passage in found.passages]
            if probe.document_name in names:
                ranks.append(1 / (names.index(probe.document_name) + 1))
            else:
                missed.append(probe.question)
        count = len(self.probes)
        return CanaryReport(
            count,
            len(ranks) / count if count else float("nan"),
            round(sum(ranks) / count, 4) if count else float("nan"),
            degraded,
            tuple(missed),
            error,
        )


def read_probes(file: Path) -> list[CanaryProbe]:
    """Return the probes of a JSON Lines file: ``{"project", "question", "document_name"}`` each.

    Raises:
        BadQuestionSet: The file cannot be read or a line is not a probe.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return [CanaryProbe(**json.loads(line)) for line in lines if line.strip()]
    except (OSError, ValueError, TypeError) as error:
        raise BadQuestionSet(
            f"The probes {file} cannot be read: {error}.",
            hint='One JSON object a line: {"project", "question", "document_name"}.',
        ) from error
