import pytest

from tests.runbooks.pages import PAGE
from trimtab.runbooks import Act, Check, Procedure, Read
from trimtab.runbooks.commands import Break
from trimtab.runbooks.errors import RunbookRefused
from trimtab.runbooks.model import Nature
from trimtab.runbooks.page import parse_page


def test_a_page_becomes_a_runbook_with_every_part():
    book = parse_page(PAGE, "tank.md")
    (cause,) = book.causes
    assert (book.id, book.title, book.alerts) == ("tank-empty", "Tank runs empty", ("TankLow",))
    assert book.prose == "The pump stops when the tank is empty."
    assert book.gather == (Read(("tank.level",), 12),)
    assert (cause.id, cause.nature) == ("tank-empty/the-tap-is-open", Nature.INFRASTRUCTURE)
    assert cause.prose == "Somebody left it open."
    assert cause.fix == (Act("tank.close_tap", {"by": "4"}, 22),)
    assert cause.verify == (Check("tank_level > 5", 600, 5400, 25),)
    assert cause.drill == (Break("tank.open_tap", {}, 28),)
    assert book.escalate == "The level falls below one."
    assert [check.expression for check in book.escalate_when] == ["tank_level < 1"]


def test_the_proof_changes_with_any_byte_of_the_page_and_with_the_build():
    book = parse_page(PAGE, "tank.md")
    edited = parse_page(PAGE.replace("Somebody", "Someone"), "tank.md")
    assert len({book.proof_hash("1"), book.proof_hash("2"), edited.proof_hash("1")}) == 3


def test_a_procedure_page_is_kept_for_reading():
    page = parse_page("---\nid: on-call\nkind: procedure\n---\n# On call\nBe kind.\n", "p.md")
    assert isinstance(page, Procedure)
    assert "Be kind." in page.prose


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("---\nid", "id", 1, "no front matter"),
        ("id: tank-empty", "id: [", 4, "not valid YAML"),
        ("id: tank-empty", "id: Tank Empty", 1, "malformed"),
        ("id: tank-empty", f"id: {'[' * 200_000}", 1, "front matter is too long"),
        ("severity: P2", "severty: P2", 1, "'severty' is unknown"),
        ("severity: P2\n", "", 1, "lacks 'severity'"),
        ("alerts: [TankLow]", "alerts: TankLow", 1, "list of `alerts`"),
        ("# Tank runs empty\n", "", 6, "no title"),
        ("trimtab read tank.level", "cat /etc/passwd", 12, "not a trimtab command"),
        ("trimtab read tank.level", "trimtab act tank.close_tap", 12, "does not belong"),
        ("trimtab read tank.level\n", "", 11, "is empty"),
        ("```sh drill", "```sh fix", 27, "appears twice"),
        ("```sh drill", "```sh shake", 27, "'shake' is unknown"),
        ("nature=infrastructure", "nature=cosmic", 15, "'cosmic' is unknown"),
        ("## Gather", "## Background", 11, "would not run"),
        ("trimtab fault tank.open_tap", "trimtab act tank.close_tap", 28, "does not belong"),
    ],
)
def test_a_broken_page_is_refused_with_its_line(old, new, line, said):
    with pytest.raises(RunbookRefused, match=said) as refused:
        parse_page(PAGE.replace(old, new, 1), "tank.md")
    assert (refused.value.page, refused.value.line) == ("tank.md", line)
    assert refused.value.hint()


def test_a_block_hidden_in_a_list_is_refused_because_it_would_not_run():
    page = PAGE.replace("Somebody", "- ```sh fix\n  trimtab act tank.close_tap\n  ```\n\nSomebody")
    with pytest.raises(RunbookRefused, match="inside a list"):
        parse_page(page, "tank.md")


def test_a_procedure_may_not_act():
    with pytest.raises(RunbookRefused, match="only reads"):
        parse_page("---\nid: p\nkind: procedure\n---\n# P\n```sh\ntrimtab act a.b\n```\n", "p.md")
