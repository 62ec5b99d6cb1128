"""Importers: results of other tools become benchmark reports, without inventing what those files do not say.

What a file leaves out (lm-eval's old format states neither sample counts nor durations) may be stated by whoever
imports it; the report names each such field, and stays incomplete - and so blocked - otherwise.
"""

from trimtab.gates.schema.importers.read import FORMATS, Imported, Stated, import_file, import_text

__all__ = ["FORMATS", "Imported", "Stated", "import_file", "import_text"]
