"""Runbooks: Markdown pages for people, executable by the operator and proved by drills.

`Library.load` turns a folder of pages into `Runbook` and `Procedure` records and refuses, with page
and line, a page that names something unknown or has a fix without a verification.
"""

from trimtab.runbooks.commands import Act, Check, Read
from trimtab.runbooks.library import Library
from trimtab.runbooks.model import Cause, Page, Procedure, Runbook

__all__ = ["Act", "Cause", "Check", "Library", "Page", "Procedure", "Read", "Runbook"]
