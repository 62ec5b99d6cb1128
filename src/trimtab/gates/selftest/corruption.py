"""Record of a corruption and its expected codes."""

from collections.abc import Callable
from dataclasses import dataclass

from trimtab.gates.selftest.sample_project import SampleProject

Change = Callable[[SampleProject], object]
Judge = Callable[[SampleProject], set[str]]


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way to corrupt the sample project's evidence."""

    gate: str
    name: str
    """A few words, such as ``doubled key``."""
    change: Change
    expect: tuple[str, ...]
    """Codes of which at least one must appear."""
    judge: Judge | None = None
    """How to look, where running the gate is not the way (an import, an approval)."""
