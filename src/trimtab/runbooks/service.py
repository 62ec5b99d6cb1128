"""Facade of the runbooks: the loaded library and the checks of new pages."""

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
        check_expression: Refuses a PromQL expression that is not a check.
        check_proof: Refuses a `verify` block that cannot verify a repair.
    """

    catalog: Catalog
    alert_names: Collection[str]
    check_expression: CheckExpression
    check_proof: CheckProof


@dataclass(frozen=True, slots=True)
class Runbooks:
    """The pages of one process.

    Attributes:
        library: The loaded pages.
        checks: The checks that they have passed.
    """

    library: Library
    checks: PageChecks

    @classmethod
    def load(cls, directory: Path, checks: PageChecks) -> "Runbooks":
        """Load and check every page of the folder; raise `RunbookRefused` for an invalid one."""
        library = Library.load(
            directory,
            checks.catalog,
            checks.alert_names,
            checks.check_expression,
            checks.check_proof,
        )
        return cls(library, checks)

    def check_page(self, text: str, path: str) -> Page:
        """Parse and check a new page; raise `RunbookRefused` if it is invalid."""
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
        """Return the unknown names in the prose and the source of a page."""
        return [*check_claims(text, self.known_names(commands)), *check_source(text)]
