"""Finds personal data by pattern, checksum and context, and redacts it."""

from trimtab.guardrails.pii.find import Finder, find, redact
from trimtab.guardrails.pii.kinds import STRUCTURED, PersonalData, PiiType

__all__ = ["STRUCTURED", "Finder", "PersonalData", "PiiType", "find", "redact"]
