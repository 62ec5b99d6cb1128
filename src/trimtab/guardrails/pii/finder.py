"""All personal data of a text: what has a form of its own, and names where a detector is at hand."""

import logging
from dataclasses import dataclass

from trimtab.guardrails.errors import NamesUnavailable
from trimtab.guardrails.pii.find import find
from trimtab.guardrails.pii.kinds import PersonalData
from trimtab.guardrails.pii.names import NameDetector
from trimtab.guardrails.pii.redact import redact

_log = logging.getLogger(__name__)
NAMES_UNCHECKED = "NAMES_UNCHECKED"
"""Stands for a finding where names should have been looked for and could not be."""


@dataclass(frozen=True, slots=True)
class Found:
    """The findings in order of place, apart from each other."""

    data: tuple[PersonalData, ...]
    unchecked: NamesUnavailable | None = None
    """Why names were not looked for, though they should have been."""


class Finder:
    """Finds and replaces personal data.

    Args:
        names: Detects names; None where they are not looked for.
    """

    def __init__(self, names: NameDetector | None = None) -> None:
        self._names = names

    def find(self, text: str) -> tuple[PersonalData, ...]:
        """Return all findings; where a name overlaps data with a form of its own, the form wins.

        Raises:
            NamesUnavailable: Names cannot be looked for now.
        """
        formed = find(text)
        if self._names is None or not text.strip():
            return formed
        names = [
            name
            for name in self._names.detect(text)
            if not any(name.start < other.end and other.start < name.end for other in formed)
        ]
        return tuple(sorted((*formed, *names), key=lambda data: data.start))

    def look(self, text: str) -> Found:
        """Return what can be found now, and whether names are missing from it."""
        try:
            return Found(self.find(text))
        except NamesUnavailable as error:
            _log.warning("names_unchecked", extra={"reason": error.message})
            return Found(find(text), error)

    def redact(self, text: str) -> str:
        """Return the text with each finding replaced by its type; nothing of it when names could not be checked."""
        found = self.look(text)
        return f"<{NAMES_UNCHECKED}>" if found.unchecked else redact(text, found.data)
