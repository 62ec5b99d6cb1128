import pytest

from tests.runbooks.pages import PAGE, catalog, check_expression
from trimtab.runbooks import Library
from trimtab.runbooks.errors import RunbookRefused, RunbookUnknown
from trimtab.runbooks.lint import PageChecks


@pytest.fixture
def load(tmp_path):
    def with_pages(**pages):
        for name, text in pages.items():
            (tmp_path / f"{name}.md").write_text(text, encoding="utf-8")
        return Library.load(tmp_path, PageChecks(catalog(), {"TankLow"}, check_expression))

    return with_pages


def test_a_good_page_loads_and_is_found_by_its_alert(load):
    library = load(tank=PAGE)
    assert [book.id for book in library.for_alert("TankLow")] == ["tank-empty"]
    assert library.for_alert("Other") == ()
    assert library.cause("tank-empty/the-tap-is-open")[1].title == "the tap is open"


def test_an_unknown_id_names_the_nearest(load):
    with pytest.raises(RunbookUnknown) as unknown:
        load(tank=PAGE).page("tank-emty")
    assert unknown.value.hint() == "Did you mean tank-empty?"


@pytest.mark.parametrize(
    ("old", "new", "said", "hint"),
    [
        ("alerts: [TankLow]", "alerts: [TankLo]", "no alert named 'TankLo'", "TankLow"),
        ("read tank.level", "read tank.levle", "no signal named 'tank.levle'", "tank.level"),
        ("act tank.close_tap", "act tank.close_top", "no action named", "tank.close_tap"),
        ("fault tank.open_tap", "fault tank.open_top", "no fault named", "tank.open_tap"),
        ("by=4", "by=0", "out of range", "Give 1"),
        ("by=4", "with=4", "Unknown argument 'with'", "by"),
        ("by=4", "", "'by' is missing", "Turns"),
        ("tank_tap == 1", "tank_tap ???", "not PromQL", "Correct it"),
        ("tank_tap == 1'", "tank_tap == 1' --for 5m", "--for belongs in verify", "min_over_time"),
        ("--give-up 1h30m", "--give-up 5m", "could never hold", "Give up after"),
    ],
)
def test_what_does_not_exist_or_cannot_work_does_not_load(load, old, new, said, hint):
    with pytest.raises(RunbookRefused, match=said) as refused:
        load(tank=PAGE.replace(old, new, 1))
    assert hint in refused.value.hint()
    assert refused.value.message.startswith("tank.md:")


def _without(role):
    head, _, rest = PAGE.partition(f"```sh {role}")
    return head + rest.partition("```\n")[2]


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("evidence", "has no evidence"),
        ("verify", "fix without verify"),
        ("fix", "fix without verify"),
        ("drill", "has no drill"),
    ],
)
def test_a_cause_that_lacks_a_part_does_not_load(load, role, said):
    with pytest.raises(RunbookRefused, match=said):
        load(tank=_without(role))


def test_two_pages_with_one_id_do_not_load(load):
    with pytest.raises(RunbookRefused, match=r"is taken by a\.md"):
        load(a=PAGE, b=PAGE)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(RunbookRefused, match="does not exist"):
        Library.load(tmp_path / "none", PageChecks(catalog(), {"TankLow"}, check_expression))


CLUSTERED = PAGE.replace("severity: P2\n", "severity: P2\nneeds: kubernetes\n", 1)


def test_a_page_that_needs_a_cluster_opens_only_with_one(tmp_path):
    (tmp_path / "tank.md").write_text(CLUSTERED)
    checks = PageChecks(catalog(), {"TankLow"}, check_expression)
    without, with_one = (Library.load(tmp_path, checks, given) for given in ((), ("kubernetes",)))
    assert without.page("tank-empty").needs == "kubernetes"
    assert without.for_alert("TankLow") == ()
    assert not without.provides(without.runbooks["tank-empty"])
    assert [book.id for book in with_one.for_alert("TankLow")] == ["tank-empty"]


def test_a_page_that_needs_something_unknown_does_not_load(load):
    with pytest.raises(RunbookRefused, match="needs 'kubernets' is unknown"):
        load(tank=CLUSTERED.replace("kubernetes", "kubernets"))
