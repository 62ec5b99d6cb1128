"""Importers that convert results of other tools into benchmark reports.

Fields missing in the file (lm-eval's old format has neither sample counts nor durations) can be
supplied by the user who imports it; the report lists these fields. Otherwise the report stays
incomplete and is blocked.
"""

from trimtab.gates.schema.importers.read import FORMATS, StatedValues, import_file

__all__ = ["FORMATS", "StatedValues", "import_file"]
