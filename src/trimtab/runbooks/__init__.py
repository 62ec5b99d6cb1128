"""Runbooks: Markdown pages for people, executable by the operator and proved by drills.

`Library.load` turns a folder of pages into `Runbook` and `Procedure` records and refuses, with page
and line, a page that names something unknown or has a fix without a verification.
"""

from trimtab.runbooks.commands import Act, Break, Check, Command, Read, parse_command
from trimtab.runbooks.errors import RunbookRefused, RunbookUnknown
from trimtab.runbooks.library import Library
from trimtab.runbooks.lint import CheckExpression
from trimtab.runbooks.model import Cause, Nature, Page, Procedure, Runbook
from trimtab.runbooks.page import parse_page

__all__ = [
    "Act",
    "Break",
    "Cause",
    "Check",
    "CheckExpression",
    "Command",
    "Library",
    "Nature",
    "Page",
    "Procedure",
    "Read",
    "Runbook",
    "RunbookRefused",
    "RunbookUnknown",
    "parse_command",
    "parse_page",
]
