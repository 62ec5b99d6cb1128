"""Facade of the runbooks: the library of this start, and the checks that a new page must pass."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trimtab.kernel.operable import Catalog
from trimtab.runbooks.claims import Claim, KnownNames, check_claims
from trimtab.runbooks.library import Library
from trimtab.runbooks.lint import CheckExpression, CheckProof, lint
from trimtab.runbooks.model import Page, Runbook
from trimtab.runbooks.page import parse_page
from trimtab.runbooks.sources import check_source


@dataclass(frozen=True, slots=True)
class PageChecks:
    """The names and expressions that pages may use.

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


@dataclass(frozen=True, slots=True)
class Runbooks:
    """The pages of one process.

    Attributes:
        library: The pages of this start.
        checks: What they were checked against.
    """

    library: Library
    checks: PageChecks

    @classmethod
    def load(cls, directory: Path, checks: PageChecks) -> "Runbooks":
        """Read and check every page of the folder; raises `RunbookRefused` for a wrong one."""
        library = Library.load(
            directory,
            checks.catalog,
            checks.alert_names,
            checks.check_expression,
            checks.check_proof,
        )
        return cls(library, checks)

    def check_page(self, text: str, path: str) -> Page:
        """Return a page as it would load here, or raise `RunbookRefused`."""
        page, checks = parse_page(text, path), self.checks
        if isinstance(page, Runbook):
            lint(
                page,
                checks.catalog,
                checks.alert_names,
                checks.check_expression,
                checks.check_proof,
            )
        return page


Commands = Mapping[str, frozenset[str]]
"""Each command of the command line with its options."""


@dataclass(frozen=True, slots=True)
class ProseChecks:
    """Checks the names in the prose of a page.

    Attributes:
        known_names: Returns what exists in this process, given the commands that exist.
    """

    known_names: Callable[[Commands], KnownNames]

    def check(self, text: str, commands: Commands) -> Sequence[Claim]:
        """Return what a page names in prose or as its source that does not exist."""
        return [*check_claims(text, self.known_names(commands)), *check_source(text)]
