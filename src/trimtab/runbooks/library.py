"""Library of runbook pages, checked against the catalog."""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from trimtab.runbooks.errors import RunbookRefused, RunbookUnknown
from trimtab.runbooks.lint import PageChecks, check_alerts, lint
from trimtab.runbooks.model import Cause, Page, Procedure, Runbook
from trimtab.runbooks.page import parse_page


class Library:
    """Runbooks and procedures that were loaded at start."""

    def __init__(self, pages: Collection[Page], provided: Collection[str] = ()) -> None:
        self._provided = frozenset(provided)
        self.runbooks: Mapping[str, Runbook] = {
            page.id: page for page in pages if isinstance(page, Runbook)
        }
        self.procedures: Mapping[str, Procedure] = {
            page.id: page for page in pages if isinstance(page, Procedure)
        }

    @classmethod
    def load(cls, directory: Path, checks: PageChecks, provided: Collection[str] = ()) -> "Library":
        """Load every ``*.md`` file below the folder, except ``README.md``.

        Args:
            directory: The folder.
            checks: What the pages may name.
            provided: What is configured of that which pages need.

        Raises:
            RunbookRefused: A page is wrong; nothing is loaded then.
        """
        pages: dict[str, Page] = {}
        for file, shown in _files(directory):
            page = _parse_kept(_read(file, shown), shown)
            if page.id in pages:
                raise RunbookRefused(
                    shown,
                    1,
                    f"id {page.id!r} is taken by {pages[page.id].path}.",
                    hint="Give this page another id.",
                )
            if isinstance(page, Runbook):
                lint(page, checks)
            else:
                check_alerts(page, checks.alert_names)
            pages[page.id] = page
        return cls(list(pages.values()), provided)

    def page(self, page_id: str) -> Page:
        """Return the page, or raise `RunbookUnknown` with the nearest ids."""
        found = self.runbooks.get(page_id) or self.procedures.get(page_id)
        if found is None:
            near = get_close_matches(page_id, [*self.runbooks, *self.procedures], n=3)
            raise RunbookUnknown(
                f"There is no runbook {page_id!r}.",
                hint=f"Did you mean {' or '.join(near)}?" if near else "`trimtab runbooks list`.",
            )
        return found

    def for_alert(self, name: str) -> tuple[Runbook, ...]:
        """Return the runbooks that the alert opens, in the order of their paths."""
        return tuple(
            book for book in self.runbooks.values() if name in book.alerts and self.provides(book)
        )

    def provides(self, book: Runbook) -> bool:
        """Return whether what the page needs is configured."""
        return not book.needs or book.needs in self._provided

    def procedures_for(self, alert: str, runbook_url: str = "") -> tuple[Procedure, ...]:
        """Return the procedures that name the alert or that its rule names.

        Args:
            alert: The alert's name.
            runbook_url: The alert's annotation, ``runbook:<id>``.
        """
        named = runbook_url.removeprefix("runbook:")
        return tuple(
            page for page in self.procedures.values() if alert in page.alerts or page.id == named
        )

    def cause(self, cause_id: str) -> tuple[Runbook, Cause]:
        """Return the cause and its runbook, or raise `RunbookUnknown`."""
        for book, cause in self.causes():
            if cause.id == cause_id:
                return book, cause
        near = get_close_matches(cause_id, [cause.id for _, cause in self.causes()], n=3)
        raise RunbookUnknown(
            f"There is no cause {cause_id!r}.",
            hint=f"Did you mean {' or '.join(near)}?" if near else "`trimtab runbooks list`.",
        )

    def causes(self) -> Iterator[tuple[Runbook, Cause]]:
        """Yield every cause with its runbook."""
        for book in self.runbooks.values():
            for cause in book.causes:
                yield book, cause


def _files(directory: Path) -> Iterator[tuple[Path, str]]:
    if not directory.is_dir():
        raise RunbookRefused(
            str(directory), 0, "the runbook folder does not exist.", hint="Check its path."
        )
    for file in sorted(directory.rglob("*.md")):
        if file.name != "README.md":
            yield file, str(file.relative_to(directory))


@lru_cache(maxsize=256)
def _parse_kept(text: str, path: str) -> Page:
    # Pages are immutable: a library that is loaded again parses only what changed. Not in
    # `parse_page`, which also gets the texts of requests.
    return parse_page(text, path)


def _read(file: Path, shown: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunbookRefused(
            shown, 1, f"the page cannot be read: {error}.", hint="Save it as UTF-8 text."
        ) from error
