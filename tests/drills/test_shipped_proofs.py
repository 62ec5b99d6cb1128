"""A page that changed after its drill has no proof, and its fixes would ask for approval again."""

from pathlib import Path

import pytest

import trimtab
from trimtab.incidents import shipped_proofs
from trimtab.runbooks.model import Runbook
from trimtab.runbooks.page import parse_page

LIBRARY = Path(__file__).parent.parent.parent / "library"
PAGES = [
    page
    for file in sorted(LIBRARY.glob("*.md"))
    if isinstance(page := parse_page(file.read_text(encoding="utf-8"), file.name), Runbook)
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.id)
def test_every_cause_that_can_be_drilled_ships_with_the_proof_of_its_page(page):
    proofs = shipped_proofs(LIBRARY / "proofs.json")
    unproven = [
        cause.id
        for cause in page.causes
        if cause.drill and proofs.get(cause.id) != page.proof_hash(trimtab.__version__)
    ]
    assert not unproven, f"run `trimtab drills run {page.id}`, then export the proofs"
