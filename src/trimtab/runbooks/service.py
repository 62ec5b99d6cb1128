"""Facade of the runbooks: the library of this start, and the checks that a new page must pass."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from trimtab.kernel.operable import Catalog
from trimtab.runbooks.library import Library
from trimtab.runbooks.lint import CheckExpression, CheckProof, lint
from trimtab.runbooks.model import Page, Runbook
from trimtab.runbooks.page import parse_page


@dataclass(frozen=True, slots=True)
class PageChecks:
    """What pages are checked against.

    Attributes:
        catalog: Signals, actions and faults that a page may name.
        alert_names: Alerts that a page may name.
        check_expression: Refuses what is not a yes-or-no question in PromQL.
        check_proof: Refuses a `verify` block that proves nothing.
    """

    catalog: Catalog
    alert_names: Collection[str]
    check_expression: CheckExpression
    check_proof: CheckProof


class Runbooks:
    """The pages of one process.

    Args:
        directory: The folder of the library.
        checks: What its pages are checked against.

    Raises:
        RunbookRefused: A page is wrong.
    """

    def __init__(self, directory: Path, checks: PageChecks) -> None:
        self._checks = checks
        self.library = Library.load(
            directory,
            checks.catalog,
            checks.alert_names,
            checks.check_expression,
            checks.check_proof,
        )

    def check_page(self, text: str, path: str) -> Page:
        """Return a page as it would load here, or raise `RunbookRefused`."""
        page, checks = parse_page(text, path), self._checks
        if isinstance(page, Runbook):
            lint(
                page,
                checks.catalog,
                checks.alert_names,
                checks.check_expression,
                checks.check_proof,
            )
        return page
