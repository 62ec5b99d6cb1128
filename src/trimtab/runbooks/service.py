"""Facade of the runbooks: the loaded library and the checks of new pages."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trimtab.runbooks.claims import Claim, KnownNames, check_claims
from trimtab.runbooks.library import Library
from trimtab.runbooks.lint import PageChecks, lint
from trimtab.runbooks.model import Page, Runbook
from trimtab.runbooks.page import parse_page
from trimtab.runbooks.sources import check_source


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
    def load(
        cls, directory: Path, checks: PageChecks, provided: Collection[str] = ()
    ) -> "Runbooks":
        """Load and check every page of the folder; raise `RunbookRefused` for an invalid one."""
        return cls(Library.load(directory, checks, provided), checks)

    def check_page(self, text: str, path: str) -> Page:
        """Parse and check a new page; raise `RunbookRefused` if it is invalid."""
        page = parse_page(text, path)
        if isinstance(page, Runbook):
            lint(page, self.checks)
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
