"""A project's search index in memory, with the weights fitted to it."""

from dataclasses import dataclass, field

from trimtab.knowledge.index import ProjectIndex
from trimtab.knowledge.ranking import UNFITTED, Fit


@dataclass(frozen=True, slots=True)
class LoadedIndex:
    """A project's index as a search uses it."""

    index: ProjectIndex
    version: int
    """The project's index version that it shows."""
    fitted: Fit
    model: str
    """The model of its vectors; empty when a server holds them and only words are here."""
    saved: int = -1
    """The version of its file; -1 when there is none."""
    changed_at: float = 0.0
    """When it got its version, on the clock's monotonic scale."""
    fit_due: bool = field(init=False)
    """Whether the index has outgrown what it was fitted to."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "fit_due", self.fitted.outgrown(len(self.index)))

    @property
    def fitted_meaning(self) -> float | None:
        """The weight of vectors fitted to the project; None before the first fit."""
        return None if self.fitted == UNFITTED else self.fitted.meaning
