"""Which resolution option of the documents is a cause with evidence and drill, and why the others are none.

``python -m tests.contract.options`` prints the counts, and each option without a cause with its reason.
"""

import csv
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from trimtab.runbooks import Cause, Runbook
from trimtab.runbooks.page import parse_page

ROOT = Path(__file__).parent.parent.parent
TABLE = Path(__file__).parent / "options.tsv"


@dataclass(frozen=True)
class Option:
    """One row of the table: a cause, or the reason for having none."""

    id: str
    what: str
    cause: str
    reason: str

    @property
    def system(self) -> str:
        """The document it stands in, such as ``KB``."""
        return self.id.partition("-")[0]

    @property
    def scenario(self) -> str:
        """The scenario it belongs to, such as ``KB-01``."""
        return self.id.partition(".")[0]


def load_options() -> list[Option]:
    """Return every row, in the table's order."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Option(row["option"], row["what the document does"], row["cause"], row["reason"] or "")
            for row in rows
        ]


def load_causes() -> dict[str, Cause]:
    """Return every cause of the shipped library by its id."""
    pages = [
        parse_page(file.read_text(encoding="utf-8"), file.name)
        for file in sorted((ROOT / "library").glob("*.md"))
    ]
    return {cause.id: cause for page in pages if isinstance(page, Runbook) for cause in page.causes}


def main() -> None:
    """Print the counts by document, and the options that are no cause."""
    write, options = sys.stdout.write, load_options()
    covered, without = Counter(), Counter()
    for option in options:
        (covered if option.cause else without)[option.system] += 1
    for system in ("KB", "AOPS", "ENT", "MISO", "HYB"):
        total = covered[system] + without[system]
        write(f"{system:5} {covered[system]:3} of {total:3} options are causes with a drill" + "\n")
    write(f"all   {covered.total():3} of {len(options):3}; the others with their reasons:" + "\n")
    for option in options:
        if not option.cause:
            write(f"  {option.id:10} {option.what}: {option.reason}" + "\n")


if __name__ == "__main__":
    main()
