"""Schema gate: checks version, required fields and value ranges of a report.

Threat: an empty or half-written file, a duplicate key that two parsers resolve differently, a NaN
that passes every comparison, a report of an unknown version. Limits: the gate does not check
whether the numbers are true.
"""

from trimtab.gates.schema.check import check_document, check_report
from trimtab.gates.schema.migrate import downgrade
from trimtab.gates.schema.versions import CURRENT, available

__all__ = ["CURRENT", "available", "check_document", "check_report", "downgrade"]
