import pytest

from trimtab.knowledge.markdown import MOST_CHARACTERS, Heading, heading, title


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
    assert len(heading("# " + "a" * 10_000).text) == MOST_CHARACTERS
    assert len(title("---\ntitle: " + "a" * 10_000 + "\n---\n")) == MOST_CHARACTERS
