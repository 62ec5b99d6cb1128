"""The documents that the MISO runbook refers to and does not give are written, and say what they must."""

from itertools import pairwise
from pathlib import Path

import pytest

from trimtab.gates.codes import CODES
from trimtab.gates.docs_gate import read_page
from trimtab.gates.schema import available
from trimtab.gates.schema.migrate import STEPS

ROOT = Path(__file__).parents[2]
# Runbook's name, our page, what its reader comes for.
REFERENCES = [
    ("schemas/README.md", "schemas/README.md", ("report-2.0.json", "`accuracy` (float, 0 to 1)", "`schema_version`"), "F154"),
    ("DATA_POLICIES.md", "docs/gates/DATA_POLICIES.md", ("manifest.sha256", "datasets.min_samples", "approval"), "F155"),
    ("SCHEMA_MIGRATION_GUIDE.md", "docs/gates/SCHEMA_MIGRATION_GUIDE.md", ("From 1.0 to 1.1", "From 1.1 to 2.0"), "F156"),
    ("miso/security/README.md", "docs/gates/security.md", ("trust.json", "Revoke", "provenance"), "F157"),
    ("docs/PERFORMANCE.md", "docs/gates/performance.md", ("compute mode", "profile", "openssl"), "F158"),
    ("docs/API.md", "docs/gates/api.md", ("import_file", "Exit codes", '"fix"'), "F159"),
    ("PR template", "docs/gates/pull_request_template.md", ("- [ ]", "approved this very commit"), "F127"),
    ("review checklist", "docs/gates/pull_request_template.md", ("refers to itself in a circle", "is opened is closed"), "F591"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "words"),
    [pytest.param(path, words, marks=pytest.mark.feature(f)) for _, path, words, f in REFERENCES],
)
def test_a_document_that_the_runbook_refers_to_is_written(path, words):
    text = (ROOT / path).read_text(encoding="utf-8")
    assert [word for word in words if word not in text] == []
    assert read_page(ROOT / path).unclear == ()


def test_the_schema_page_lists_every_schema():
    text = (ROOT / "schemas" / "README.md").read_text(encoding="utf-8")
    assert [
        path.name for path in (ROOT / "schemas").glob("*.json") if f"`{path.name}`" not in text
    ] == []


def test_every_step_between_versions_is_described():
    anchors = read_page(ROOT / "docs" / "gates" / "SCHEMA_MIGRATION_GUIDE.md").anchors
    versions = available("report")
    assert tuple(pairwise(versions)) == STEPS
    assert all(f"from-{a.replace('.', '')}-to-{b.replace('.', '')}" in anchors for a, b in STEPS)


@pytest.mark.feature("F111")
def test_a_slower_run_says_to_use_the_right_compute_mode_or_more_resources():
    fix = CODES["drift.slower"].fix
    assert "appropriate compute mode" in fix
    assert "increase the CI resource allocation" in fix
