"""Finds personal data by format, and names by an optional detector."""

import logging
from dataclasses import dataclass

from trimtab.guardrails.errors import NamesUnavailable
from trimtab.guardrails.pii.find import find
from trimtab.guardrails.pii.kinds import PersonalData
from trimtab.guardrails.pii.names import NameDetector
from trimtab.guardrails.pii.redact import redact

_log = logging.getLogger(__name__)
NAMES_UNCHECKED = "NAMES_UNCHECKED"
"""Reported as a finding when the name detector is enabled but cannot answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """Findings in order of position, without overlaps."""

    data: tuple[PersonalData, ...]
    unchecked: NamesUnavailable | None = None
    """The error of the name detector, when it is enabled but cannot answer."""


class Finder:
    """Finds and redacts personal data.

    Args:
        names: The name detector; None to detect no names.
    """

    def __init__(self, names: NameDetector | None = None) -> None:
        self._names = names

    def find(self, text: str) -> tuple[PersonalData, ...]:
        """Return all findings; data with a format wins over an overlapping name.

        Raises:
            NamesUnavailable: The name detector cannot answer now.
        """
        formatted = find(text)
        if self._names is None or not text.strip():
            return formatted
        names = [
            name
            for name in self._names.detect(text)
            if not any(name.start < other.end and other.start < name.end for other in formatted)
        ]
        return tuple(sorted((*formatted, *names), key=lambda data: data.start))

    def look(self, text: str) -> Found:
        """Return the findings, without names when their detector is unavailable."""
        try:
            return Found(self.find(text))
        except NamesUnavailable as error:
            _log.warning("names_unchecked", extra={"reason": error.message})
            return Found(find(text), error)

    def redact(self, text: str) -> str:
        """Return the text with each finding replaced by its type.

        When names cannot be checked, a marker replaces the whole text.
        """
        found = self.look(text)
        return f"<{NAMES_UNCHECKED}>" if found.unchecked else redact(text, found.data)
