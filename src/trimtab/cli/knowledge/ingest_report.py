"""Sums up an ingestion: totals, and refusals and warnings grouped by reason."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from trimtab.cli.knowledge.upload import Outcome
from trimtab.cli.runtime.console import print_line, print_table
from trimtab.infra.folders import Listing

_MAX_ROWS = 20
"""Documents up to which each has a row of its own."""
_MAX_NAMES = 3


@dataclass
class IngestReport:
    """Outcomes of one ingestion.

    Attributes:
        files: Files to send.
        outcomes: Results and refusals, of the files sent and of what cannot be read.
        pruned: Names of the deleted documents.
        seconds: Duration.
        interrupted: True if Ctrl-C ended it.
    """

    files: int
    outcomes: list[Outcome] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def refused(self) -> list[Outcome]:
        """Return the outcomes with an error."""
        return [found for found in self.outcomes if "code" in found]

    def totals(self) -> dict[str, Any]:
        """Return the counts, as ``--json`` prints them."""
        statuses = [str(found.get("status")) for found in self.outcomes if "code" not in found]
        return {
            "files": self.files,
            **{name: statuses.count(name) for name in ("ingested", "unchanged", "queued")},
            "refused": len(self.refused),
            "pruned": len(self.pruned),
            "passages": sum(found.get("chunks") or 0 for found in self.outcomes),
            "seconds": round(self.seconds, 1),
            "interrupted": self.interrupted,
        }

    def print(self, listings: Sequence[Listing]) -> None:
        """Print the report for people."""
        if len(self.outcomes) <= _MAX_ROWS:
            self._print_rows()
        else:
            self._print_groups("not ingested", _grouped(self.refused, _reasons_of_refusal))
            self._print_groups("ingested, but", _grouped(self.outcomes, _reasons_of_warning))
        for listing in listings:
            if summary := listing.summary():
                print_line(summary, "yellow")
        for name in self.pruned:
            print_line(f"deleted    {name}")
        print_line(self._summary(), "yellow" if self.refused or self.interrupted else "green")

    def _print_rows(self) -> None:
        print_table(
            ("document", "status", "passages", ""),
            (
                (
                    found["name"],
                    found.get("status", "refused"),
                    found.get("chunks"),
                    " ".join(
                        filter(
                            None,
                            [
                                found.get("reason") or found.get("message", ""),
                                *found.get("warnings", ()),
                            ],
                        )
                    ),
                )
                for found in self.outcomes
            ),
        )

    def _print_groups(self, title: str, groups: dict[str, list[str]]) -> None:
        if groups:
            by_size = sorted(groups.items(), key=lambda group: -len(group[1]))
            print_table(
                (title, "files", "which"),
                ((reason, len(names), _listed(names)) for reason, names in by_size),
            )

    def _summary(self) -> str:
        totals = self.totals()
        counts = [
            f"{totals[name]} {name}" for name in ("ingested", "unchanged", "queued") if totals[name]
        ]
        counts += [f"{len(self.refused)} not ingested"] if self.refused else []
        counts += [f"{len(self.pruned)} deleted"] if self.pruned else []
        rest = self.files - len(self.outcomes)
        counts += [f"{rest} without a result yet"] if self.interrupted and rest else []
        done = f"{self.files} files" if self.files != 1 else "1 file"
        line = f"{done} in {self.seconds:.1f} s: {', '.join(counts) or 'nothing to do'}."
        if self.interrupted:
            line = (
                f"Stopped. {line} What is ingested is kept; the same command continues from here."
            )
        return line


def _grouped(outcomes: Iterable[Outcome], reasons: Any) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for found in outcomes:
        for reason in reasons(found):
            groups.setdefault(reason, []).append(str(found["name"]))
    return groups


def _reasons_of_refusal(found: Outcome) -> list[str]:
    """Return the message without the file's name, so that the same reasons are one."""
    message = str(found.get("message", "")).replace(str(found["name"]), "").strip()
    return [f"{_without_numbers(message)} ({found['code']})"]


def _reasons_of_warning(found: Outcome) -> list[str]:
    return [_without_numbers(warning) for warning in found.get("warnings", ())]


def _without_numbers(message: str) -> str:
    message = re.sub(r"'[^']{1,200}'", "...", re.sub(r"\d[\d.,-]*\d|\d", "N", message))
    return re.sub(
        r"Pages? N(?:, N)* holds? no text.*", "pages hold no text: probably scanned", message
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more
