"""Finds personal data by pattern, checksum and context, and redacts it."""

from trimtab.guardrails.pii.find import find
from trimtab.guardrails.pii.finder import Finder
from trimtab.guardrails.pii.kinds import STRUCTURED, PersonalData, PiiType
from trimtab.guardrails.pii.redact import redact

__all__ = ["STRUCTURED", "Finder", "PersonalData", "PiiType", "find", "redact"]
