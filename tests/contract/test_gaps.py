"""Every feature of a document on the gaps page is either proven by a test or has its reason there, and never both."""

import re
from pathlib import Path

import pytest

from tests.contract.marks import marked_features
from tests.contract.report import load_features

PAGE = Path(__file__).parent.parent.parent / "docs" / "contract-gaps.md"
FEATURES = load_features()
ROW = re.compile(r"^\| (?P<feature>F\d{3}) \| (?P<cells>.+) \|$", re.MULTILINE)
WHOLE = ("KB", "AOPS", "ENT")
"""Documents of which every gap is explained; of the others the page names single ones."""


def rows():
    return [
        (found["feature"], [cell.strip() for cell in found["cells"].split(" | ")])
        for found in ROW.finditer(PAGE.read_text(encoding="utf-8"))
    ]


def explained():
    """Return the documents that have rows on the page."""
    return {FEATURES[feature]["system"] for feature, _ in rows()}


def test_the_page_explains_the_knowledge_and_the_agents_documents():
    assert {"KB", "AOPS"} <= explained()


@pytest.mark.parametrize("system", WHOLE)
def test_each_feature_of_a_document_is_proven_or_has_its_reason(system):
    if system not in explained():
        pytest.skip(f"the page has no section on {system}")
    of_system = {number for number, row in FEATURES.items() if row["system"] == system}
    given, proven = {feature for feature, _ in rows()}, marked_features()
    assert sorted(of_system - proven - given) == []


def test_no_feature_that_a_test_proves_is_called_a_gap():
    assert sorted({feature for feature, _ in rows()} & marked_features()) == []


def test_each_row_stands_once_under_its_document_and_says_what_why_and_what_instead():
    named = [feature for feature, _ in rows()]
    assert len(named) == len(set(named))
    assert [feature for feature, cells in rows() if len(cells) != 3 or not all(cells)] == []
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        system = section.split(":")[0].strip()
        here = {FEATURES[found["feature"]]["system"] for found in ROW.finditer(section)}
        assert here <= {system}


def test_marks_are_read_from_plain_marks_lists_and_tables(tmp_path):
    (tmp_path / "test_plain.py").write_text(
        '@pytest.mark.feature("F001", "F002")\ndef test_a(): "F003"\n'
    )
    (tmp_path / "test_table.py").write_text(
        "def case(f): return pytest.param(1, marks=pytest.mark.feature(f))\nCASES = [case('F004')]\n"
    )
    assert marked_features(tmp_path) == {"F001", "F002", "F004"}
