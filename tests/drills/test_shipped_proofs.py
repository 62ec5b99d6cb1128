"""A page that changed after its drill has no proof, and its fixes would ask for approval again."""

import json
from pathlib import Path

import pytest

import trimtab
from tests.incidents.operator import make_operator
from tests.incidents.world import TAP
from trimtab.incidents.proofs import shipped_proofs
from trimtab.kernel.errors import Corrupt
from trimtab.kernel.operable import Realism
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
        # Drills of pages that need a cluster run on a cluster, which is not part of the build.
        if cause.drill
        and not page.needs
        and (
            cause.id not in proofs or proofs[cause.id].proof != page.proof_hash(trimtab.__version__)
        )
    ]
    assert not unproven, f"run `trimtab drills run {page.id}`, then export the proofs"


def test_an_older_file_of_proofs_is_read_and_its_drills_count_as_simulated(tmp_path):
    file = tmp_path / "proofs.json"
    file.write_text('{"version": "0.1.0", "proofs": {"page/cause": "proof_1"}}')
    found = shipped_proofs(file)["page/cause"]
    assert (found.proof, found.realism) == ("proof_1", Realism.SIMULATED)
    assert found.reason


@pytest.mark.parametrize(
    "entry",
    [
        {"proof": "proof_1", "realism": "simulated", "reason": ""},
        {"proof": "proof_1", "realism": "real", "reason": "a reason"},
        {"proof": "proof_1", "realism": "imagined", "reason": ""},
        {"proof": "proof_1"},
    ],
)
def test_a_proof_without_its_realism_is_refused(tmp_path, entry):
    file = tmp_path / "proofs.json"
    file.write_text(json.dumps({"version": "0.1.0", "proofs": {"page/cause": entry}}))
    with pytest.raises(Corrupt, match=r"proofs\.json"):
        shipped_proofs(file)


def test_what_is_exported_is_read_back_with_its_realism(tmp_path):
    operator = make_operator(tmp_path)
    book, cause = operator.context.library.cause(TAP)
    why = {"realism": Realism.SIMULATED, "reason": "no tank is here"}
    operator.context.proofs.add(book, cause, operator.clock.now(), **why)
    file = tmp_path / "proofs.json"
    file.write_text(operator.context.proofs.export(operator.context.library))
    found = shipped_proofs(file)
    assert found == {TAP: operator.context.proofs.find(book, cause)}
    assert found[TAP].reason == "no tank is here"
