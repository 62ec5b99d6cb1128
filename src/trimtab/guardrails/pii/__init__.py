"""Personal data: found by pattern, checksum and context, and replaced by its type."""

from trimtab.guardrails.pii.find import find
from trimtab.guardrails.pii.finder import Finder
from trimtab.guardrails.pii.kinds import STRUCTURED, PersonalData, PiiType
from trimtab.guardrails.pii.redact import redact

__all__ = ["STRUCTURED", "Finder", "PersonalData", "PiiType", "find", "redact"]
