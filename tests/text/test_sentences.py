# ruff: noqa: RUF001 - punctuation of several languages.
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.text.sentences import BlockKind, sentences

CASES = [
    ("One. Two! Three?", ["One.", "Two!", "Three?"]),
    ("Dr. Smith met Mr. Jones. They left.", ["Dr. Smith met Mr. Jones.", "They left."]),
    ("J. R. R. Tolkien wrote it. It is long.", ["J. R. R. Tolkien wrote it.", "It is long."]),
    ("Nobody enters hall B. The lead is K. Ito.", ["Nobody enters hall B.", "The lead is K. Ito."]),
    ("Er leitet Halle B. Die Halle ruht.", ["Er leitet Halle B.", "Die Halle ruht."]),
    ("It holds 750 l. Water is clear. It needs 400 V. Stop.", ["It holds 750 l.", "Water is clear.", "It needs 400 V.", "Stop."]),
    ("We met Acme Inc. The firm said no. See no. 5.", ["We met Acme Inc.", "The firm said no.", "See no. 5."]),
    ("It costs 3.50 dollars. Really.", ["It costs 3.50 dollars.", "Really."]),
    ("He lives in the U.S. The house is old.", ["He lives in the U.S.", "The house is old."]),
    ("See e.g. Fig. 3 and Sec. 4. Done.", ["See e.g. Fig. 3 and Sec. 4.", "Done."]),
    ('He said "Stop." She stopped.', ['He said "Stop."', "She stopped."]),
    ("Built in 1999.[3] It fell.", ["Built in 1999.[3]", "It fell."]),
    ("Wait... what? yes.", ["Wait... what? yes."]),
    ("Am 3. Oktober ist frei. Danach nicht.", ["Am 3. Oktober ist frei.", "Danach nicht."]),
    ("Es geht z.B. Um alles. Gut.", ["Es geht z.B. Um alles.", "Gut."]),
    ("¿Qué hora es? Son las tres.", ["¿Qué hora es?", "Son las tres."]),
    ("今天下雨。明天晴天！好吗？", ["今天下雨。", "明天晴天！", "好吗？"]),
    ("यह एक वाक्य है। यह दूसरा है।", ["यह एक वाक्य है।", "यह दूसरा है।"]),
    ("Version 2.0.1 is out. Get it.", ["Version 2.0.1 is out.", "Get it."]),
    ("A line that is\nwrapped hard. Next.", ["A line that is\nwrapped hard.", "Next."]),
    ("# Title\nText here.", ["Title", "Text here."]),
    ("- one\n- two. And more.\n  continued", ["one", "two.", "And more.\n  continued"]),
    ("1. first\n2. second", ["first", "second"]),
    ("> Quoted text. More.", ["Quoted text.", "More."]),
    ("|a|b|\n|---|---|\n|1. x|2|", ["|a|b|", "|1. x|2|"]),
    ("Before.\n\n```py\na = 1. \n\nb\n```\nAfter.", ["Before.", "a = 1. \n\nb", "After."]),
    ("~~~\nnever closed. Yes.", ["never closed. Yes."]),
    ("Title\n=====\nText.", ["Title", "Text."]),
    ("log file: syslog\nallow file: /etc/x. Or none", ["log file: syslog", "allow file: /etc/x.", "Or none"]),
    ("A_USER\t\twww\nA_GROUP\t\tsites", ["A_USER\t\twww", "A_GROUP\t\tsites"]),
    ("A_ARGS     empty if one\n           more otherwise\nA_USER     www", ["A_ARGS     empty if one\n           more otherwise", "A_USER     www"]),
    ("pg_ls - lists\n  all of them\npg_rm - drops one", ["pg_ls - lists\n  all of them", "pg_rm - drops one"]),
    ("port: 80\nand nothing else", ["port: 80\nand nothing else"]),
    ("see http://x.example/a\nat noon: today", ["see http://x.example/a\nat noon: today"]),
    ("", []),
    (" \n\t\n", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_text_is_cut_where_a_reader_would(text, expected):
    assert [sentence.text for sentence in sentences(text)] == expected


def test_the_lines_of_names_and_values_are_items_and_a_single_one_is_prose():
    assert {part.kind for part in sentences("port: 80\nhost: a")} == {BlockKind.ITEM}
    assert [part.kind for part in sentences("port: 80")] == [BlockKind.PROSE]


def test_a_row_of_fields_is_one_piece_and_a_sentence_with_colons_in_parentheses_is_none():
    row = "Tank (old): Q-087; Pressure: 4. Wall: steel"
    assert [(part.text, part.kind) for part in sentences(row)] == [(row, BlockKind.ROW)]
    prose = "The forest (Spanish: selva; French: forêt; Dutch: woud) is wet. It is vast."
    assert [part.text for part in sentences(prose)] == [prose[:-12], "It is vast."]
    assert {part.kind for part in sentences(prose)} == {BlockKind.PROSE}


def test_each_piece_says_what_it_is():
    text = "# H\np\n\n- i\n\n|a|b|\n\n```\nc\n```"
    kinds = [sentence.kind for sentence in sentences(text)]
    assert kinds == [
        BlockKind.HEADING,
        BlockKind.PROSE,
        BlockKind.ITEM,
        BlockKind.ROW,
        BlockKind.CODE,
    ]


@given(
    st.text(alphabet=st.sampled_from("aB1. \n#-|`>!?。\"'é中\t~="), max_size=200)
    | st.text(max_size=200)
)
def test_offsets_are_exact_ordered_and_lose_no_word(text):
    found = sentences(text)
    assert all(text[s.start : s.end] == s.text and s.text.strip() == s.text != "" for s in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    kept = "".join(s.text for s in found)
    assert all(text.count(char) == kept.count(char) for char in "Bé中")


def test_a_text_of_stops_or_of_abbreviations_is_cut_in_linear_time():
    """Each stop used to copy the rest of the text, and to look for its word from the sentence's beginning."""
    from tests.patterns.growth import grows

    for piece in (". ", "e.g. ", "a.b ", '."( '):
        assert not grows(sentences, lambda n, piece=piece: piece * n + "x")
