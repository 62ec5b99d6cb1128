from pathlib import Path

import pytest

from tests.words.lint import Module, check_prose, duplicate_classes


def _rules(text):
    return sorted({finding.rule for finding in Module("a.py", text).findings()})


@pytest.mark.parametrize(
    "text",
    [
        "Nobody asks.",
        "The text is no number.",
        "Keep it beside\nthe file.",
        "It is asked anew.",
        "Ask again and again.",
    ],
)
def test_a_private_phrase_is_found(text):
    assert [finding.rule for finding in check_prose(text, "a.md")] == ["phrase"]


@pytest.mark.parametrize(
    "text",
    ["There is no backup.", "It is no longer there.", "Run `nobody beside`.", "Repair the file."],
)
def test_plain_sentences_and_code_pass(text):
    assert list(check_prose(text, "a.md")) == []


def test_the_line_of_a_phrase_is_reported():
    assert next(check_prose("One.\nTwo.\nNobody.", "a.md", 10)).line == 12


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ('"""Do."""\n', "docstring"),
        ('"""What a module holds and does."""\n', "opening"),
        ("def written(self) -> None:\n    self.x()\n", "participle"),
        ("def checked(text: str) -> str:\n    raise ValueError(text)\n", "participle"),
        ("def checked_name(text: str) -> str:\n    raise ValueError(text)\n", "participle"),
        ("def moved(self) -> int:\n    self.count = 1\n    return 1\n", "participle"),
        ("most_bytes = 3\n", "name"),
        ("def run(here): ...\n", "name"),
        ("class Ground: ...\n", "name"),
        (f"x = 1  # {'y' * 95}\n", "columns"),
    ],
)
def test_each_rule_finds_its_case(code, rule):
    assert _rules(code) == [rule]


@pytest.mark.parametrize(
    "code",
    [
        '"""Return the name."""\n',
        "def normalised(text: str) -> str:\n    return text.lower()\n",
        "class A:\n    @property\n    def closed(self) -> bool:\n        self.reads += 1\n",
        "def feed(self) -> None:\n    self.x()\n",
        "max_bytes = 3\n",
        f"x = 1  # {'y' * 91}\n",
    ],
)
def test_what_follows_the_rules_passes(code):
    assert _rules(code) == []


@pytest.mark.parametrize(
    "code",
    [
        f"x = [\n    {'1, ' * 40}\n]  # fmt: skip\n",
        f"# fmt: off\nx = [{'1, ' * 40}]\n# fmt: on\n",
        f'x = re.compile(r"{"a" * 100}")\n',
        f"x = 1  # noqa: {'S' * 100}\n",
        "def set_limit(most_waiting: int) -> int: ...\n",
    ],
)
def test_tables_patterns_pragmas_and_names_of_settings_are_exempt(code):
    assert _rules(code) == []


@pytest.mark.parametrize(
    "code",
    [
        f"# fmt: off\nx = 1\n# fmt: on\ny = [{'1, ' * 40}]\n",
        f"x = 1  # fmt: skip\ny = [{'1, ' * 40}]\n",
        f'x = "{"a" * 100}"\n',
    ],
)
def test_what_stands_outside_of_a_table_or_pattern_is_not_exempt(code):
    assert _rules(code) == ["columns"]


def test_a_class_name_that_exists_twice_is_found():
    modules = [Module("a.py", "class Draft: ..."), Module("b.py", "class Draft: ...")]
    assert [finding.file for finding in duplicate_classes(modules)] == ["a.py", "b.py"]
    private = [Module("a.py", "class _Draft: ..."), Module("b.py", "class _Draft: ...")]
    assert list(duplicate_classes(private)) == []


def test_the_waivers_name_paths_that_exist():
    root = Path(__file__).parents[2]
    waived = (root / "tests/words/waivers.txt").read_text(encoding="utf-8").split()
    assert [name for name in waived if ":" not in name and not (root / name).exists()] == []
