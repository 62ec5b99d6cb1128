"""The revision history of the library."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from trimtab.runbooks.errors import RunbookRefused
from trimtab.runbooks.revisions import FILE, Revisions

LIBRARY = Path(__file__).parents[2] / "library"


@pytest.mark.feature("F746", "F001")
def test_every_page_has_version_date_owner_changes_and_next_review():
    pages = {file.stem for file in LIBRARY.glob("*.md")}
    found = Revisions(LIBRARY).pages
    assert set(found) == pages, "add an entry to library/revisions.yaml"
    assert all(each.version and each.owner and each.changes[0] for each in found.values())
    quarter = timedelta(days=93)
    assert [name for name, each in found.items() if each.next_review - each.date > quarter] == []


def write(folder, **changes):
    body = {"version": '"1.0"', "date": "2026-01-01", "owner": "SRE", "next_review": "2026-04-01"}
    lines = [f"  {name}: {value}" for name, value in {**body, **changes}.items()]
    text = "\n".join(["page:", *lines, "  changes:", "    - Initial page", ""])
    (folder / FILE).write_text(text, encoding="utf-8")
    return Revisions(folder)


def test_a_review_is_overdue_on_the_day_after(tmp_path):
    found = write(tmp_path)
    assert found.overdue(date(2026, 4, 1)) == []
    assert found.overdue(date(2026, 4, 2)) == ["page"]


@pytest.mark.parametrize(
    "changes", [{"next_review": "2025-01-01"}, {"date": "soon"}, {"owner": "[", "version": "]"}]
)
def test_a_malformed_history_is_refused(tmp_path, changes):
    with pytest.raises(RunbookRefused):
        _ = write(tmp_path, **changes).pages
