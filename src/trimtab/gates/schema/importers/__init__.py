"""Importers that convert results of other tools into benchmark reports.

Fields missing in the file (lm-eval's old format has neither sample counts nor durations) can be
supplied by the user who imports it; the report lists these fields. Otherwise the report stays
incomplete and is blocked.
"""

from trimtab.gates.schema.importers.read import (
    FORMATS,
    ImportedReport,
    StatedValues,
    import_file,
    import_text,
)

__all__ = ["FORMATS", "ImportedReport", "StatedValues", "import_file", "import_text"]
