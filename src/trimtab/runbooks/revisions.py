"""Revision history of the library's pages: version, date, owner, changes and next review."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as day
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from trimtab.infra.yaml_loader import SafeLoader
from trimtab.runbooks.errors import RunbookRefused

FILE = "revisions.yaml"


@dataclass(frozen=True, slots=True)
class PageRevision:
    """Newest revision of a page."""

    version: str
    date: day
    owner: str
    next_review: day
    changes: tuple[str, ...]
    """The newest first."""

    def overdue(self, today: day) -> bool:
        """Return whether the day of the next review has passed."""
        return self.next_review < today


class Revisions:
    """Revisions of the pages, read at the first use.

    Args:
        folder: The library, which holds `FILE`.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE

    @cached_property
    def pages(self) -> Mapping[str, PageRevision]:
        """Return the revision of each page by its id.

        Raises:
            RunbookRefused: The file does not have the form that docs/runbooks.md describes.
        """
        try:
            text = self._file.read_text(encoding="utf-8")
            document = yaml.load(text, Loader=SafeLoader)  # noqa: S506 - it is the safe loader.
            return {name: _revision(body) for name, body in document.items()}
        except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise RunbookRefused(
                FILE, 1, f"the revisions cannot be read: {error!r}.", hint="Compare other entries."
            ) from error

    def overdue(self, today: day) -> list[str]:
        """Return the pages whose review is overdue, by id."""
        return sorted(name for name, each in self.pages.items() if each.overdue(today))


def _revision(body: Mapping[str, Any]) -> PageRevision:
    made, review = body["date"], body["next_review"]
    if not isinstance(made, day) or not isinstance(review, day) or review <= made:
        raise ValueError(f"{made} and {review} are not two days in order")
    changes = tuple(str(change) for change in body["changes"])
    if not changes:
        raise ValueError("an entry has no changes")
    return PageRevision(str(body["version"]), made, str(body["owner"]), review, changes)
