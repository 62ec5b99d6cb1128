import pytest

from trimtab.knowledge.markdown import MAX_CHARACTERS, Heading, heading, title, underlined


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("# Whales", Heading(1, "Whales")),
        ("   ###\tWhales  ###  ", Heading(3, "Whales")),
        ("# C#", Heading(1, "C#")),
        ("# a # b #", Heading(1, "a # b")),
        ("#Whales", None),
        ("    # code", None),
        ("####### seven", None),
        ("#", None),
        ("# ", None),
        ("# ###", None),
        ("Whales", None),
        ("", None),
    ],
)
def test_a_heading_is_read_as_commonmark_reads_it(line, found):
    assert heading(line) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\ntitle: Of whales\n---\n# Other\n", "Of whales"),
        ("---\ntitle: 'Of whales'  \n---   \n", "Of whales"),
        ("---\ntitle:   \n---\n# Other\n", "Other"),
        ("---\ntitle: not closed\n# Other\n", "Other"),
        ("text\n## Second\n# First\n# Next\n", "First"),
        ("no title", ""),
        ("", ""),
    ],
)
def test_the_title_is_the_front_matters_or_the_first_heading(text, expected):
    assert title(text) == expected


def test_a_very_long_heading_is_cut():
    assert len(heading("# " + "a" * 10_000).text) == MAX_CHARACTERS
    assert len(title("---\ntitle: " + "a" * 10_000 + "\n---\n")) == MAX_CHARACTERS


@pytest.mark.parametrize(
    ("before", "text", "line", "found"),
    [
        ("", "Whales", "======", Heading(1, "Whales")),
        ("", "Whales", "--", Heading(2, "Whales")),
        ("", "Whales", "-", None),
        ("", "Whales", "-=-", None),
        ("", "", "---", None),
        ("---", "title: Whales", "---", None),
        ("Of the sea", "and whales", "---", None),
        ("", "- whales", "---", None),
        ("", "| a | b |", "-----", None),
        ("", "    code", "---", None),
        ("", "# Whales", "---", None),
    ],
)
def test_an_underlined_line_is_a_heading(before, text, line, found):
    assert underlined(before, text, line) == found


def test_the_title_may_be_underlined():
    assert title("Whales\n======\n\nThey sing.\n") == "Whales"
    assert title("---\nauthor: Ann\n---\n\nWhales\n===\n") == "Whales"
