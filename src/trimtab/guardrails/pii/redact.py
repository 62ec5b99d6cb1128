"""Redacts personal data in logs, traces and answers."""

from collections.abc import Iterable

from trimtab.guardrails.pii.find import find
from trimtab.guardrails.pii.kinds import PersonalData


def redact(text: str, found: Iterable[PersonalData] | None = None) -> str:
    """Return the text with each finding replaced by ``<TYPE>``.

    Args:
        text: Any text.
        found: The findings to replace, without overlaps; by default those of `find`.
    """
    pieces: list[str] = []
    end = 0
    for data in sorted(find(text) if found is None else found, key=lambda data: data.start):
        pieces += (text[end : data.start], f"<{data.type.value}>")
        end = data.end
    return "".join((*pieces, text[end:]))
