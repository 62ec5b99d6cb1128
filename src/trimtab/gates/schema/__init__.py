"""The schema gate: a report has a known version, every required field, and values in range.

Threat: an empty or half-written file, a doubled key that two readers resolve differently, a NaN that passes every
comparison, a report of a version that nobody checks. Limits: it says nothing about whether the numbers are true.
"""

from trimtab.gates.schema.check import CheckedReport, check_document, check_report
from trimtab.gates.schema.migrate import downgrade, migrate
from trimtab.gates.schema.versions import CURRENT, available, version_of

__all__ = [
    "CURRENT",
    "CheckedReport",
    "available",
    "check_document",
    "check_report",
    "downgrade",
    "migrate",
    "version_of",
]
