"""Every feature of the documents is either proven by a test or has its reason on the gaps page, and never both."""

import re
from pathlib import Path

import pytest
import typer

from tests.contract.marks import marked_features
from tests.contract.report import load_features
from trimtab.cli.main import app

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "contract-gaps.md"
FEATURES = load_features()
SYSTEMS = ("KB", "AOPS", "ENT", "HYB", "MISO")
ROW = re.compile(r"^\| (?P<features>F\d{3}(?:, F\d{3})*) \| (?P<cells>.+) \|$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
ALERT = re.compile(r"(?:Answers|Gates|Guardrail|Knowledge|Model|Service)[A-Z]\w+")
NAME = re.compile(
    r"(?:answers|gates|guardrails|incidents|knowledge|models|notify|service)(?:\.[a-z_]+)+"
)
LONGEST_REASON = 120


def rows(text=None):
    """Return the features and the cells of each row."""
    page = PAGE.read_text(encoding="utf-8") if text is None else text
    return [
        (found["features"].split(", "), [cell.strip() for cell in found["cells"].split(" | ")])
        for found in ROW.finditer(page)
    ]


def explained():
    return [feature for features, _ in rows() for feature in features]


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_feature_of_a_document_is_proven_or_has_its_reason(system):
    of_system = {number for number, row in FEATURES.items() if row["system"] == system}
    assert sorted(of_system - marked_features() - set(explained())) == []


def test_no_feature_that_a_test_proves_is_called_a_gap():
    assert sorted(set(explained()) & marked_features()) == []


def test_each_feature_stands_once_under_its_document():
    assert len(explained()) == len(set(explained()))
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        system = section.split(":")[0].strip()
        here = {
            FEATURES[feature]["system"] for features, _ in rows(section) for feature in features
        }
        assert here <= {system}


def test_a_document_without_gaps_says_so_in_a_sentence_and_not_in_an_empty_table():
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    wrong = [
        section.splitlines()[0]
        for section in sections
        if bool(rows(section)) != ("|---" in section)
        or bool(rows(section)) == ("A test proves every feature of this document." in section)
    ]
    assert wrong == []


def test_each_row_says_what_why_in_short_and_what_instead():
    assert [features for features, cells in rows() if len(cells) != 3 or not all(cells)] == []
    assert [cells[1] for _, cells in rows() if len(cells[1]) > LONGEST_REASON] == []


def test_what_serves_instead_exists():
    rules = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "rules").glob("*.yml"))
    manual = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "docs").rglob("*.md") if file != PAGE
    )
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "src").rglob("*.py"))
    known = {*ALERT.findall(rules), *NAME.findall(manual), *NAME.findall(sources)}
    code = [text for _, cells in rows() for cell in cells[1:] for text in CODE.findall(cell)]
    named = {text for text in code if ALERT.fullmatch(text) or NAME.fullmatch(text)}
    acts = {text.split()[2] for text in code if text.startswith(("trimtab act ", "trimtab read "))}
    assert sorted((named | acts) - known) == []


def test_the_files_that_serve_instead_exist():
    code = [text for _, cells in rows() for cell in cells[1:] for text in CODE.findall(cell)]
    files = [text for text in code if re.fullmatch(r"[\w./*-]+\.(?:py|md|yml|json|toml)", text)]
    found = [file for file in files if "/" in file]
    roots = (ROOT, ROOT / "src" / "trimtab")
    assert [file for file in found if not any(list(root.glob(file)) for root in roots)] == []


def test_the_commands_that_serve_instead_exist():
    code = [text for _, cells in rows() for cell in cells[1:] for text in CODE.findall(cell)]
    commands = sorted({text for text in code if text.startswith("trimtab ")})
    assert commands
    assert [command for command in commands if not is_command(command.split()[1:])] == []


def is_command(words):
    """Tell whether the words lead to a command of the command line."""
    here = typer.main.get_command(app)
    for word in words:
        if not hasattr(here, "get_command"):
            return True
        here = here.get_command(typer.Context(here), word)
        if here is None:
            return False
    return True


def test_marks_are_read_from_plain_marks_lists_and_tables(tmp_path):
    (tmp_path / "test_plain.py").write_text(
        '@pytest.mark.feature("F001", "F002")\ndef test_a(): "F003"\n'
    )
    (tmp_path / "test_table.py").write_text(
        "def case(f): return pytest.param(1, marks=pytest.mark.feature(f))\nCASES = [case('F004')]\n"
    )
    assert marked_features(tmp_path) == {"F001", "F002", "F004"}
