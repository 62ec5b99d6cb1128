"""Passages are a partition of the text, cut at its joints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.knowledge.chunking import chunk_document
from trimtab.knowledge.records import ParsedDocument

_pieces = st.sampled_from(
    [
        "# One\n",
        "## Two\n",
        "Three\n",
        "===\n",
        "---\n",
        "```\n",
        "word ",
        "a sentence. ",
        "\n\n",
        "\n",
        "x" * 300,
        "é🙂 ",
        " ",
    ]
)
_texts = st.lists(_pieces | st.text(max_size=40), max_size=60).map("".join)


def _parsed(text, pages=(), *, marked_up=True):
    return ParsedDocument(text, "title", "text/markdown", pages, marked_up)


@given(_texts, st.integers(20, 400), st.booleans())
def test_no_character_is_lost_or_doubled(text, target, marked_up):
    chunks = chunk_document("doc", _parsed(text, marked_up=marked_up), target)
    assert "".join(chunk.text for chunk in chunks) == text
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)


@given(_texts, st.integers(20, 400))
def test_the_same_text_has_the_same_ids_and_no_two_chunks_share_one(text, target):
    ids = [chunk.id for chunk in chunk_document("doc", _parsed(text), target)]
    assert ids == [chunk.id for chunk in chunk_document("doc", _parsed(text), target)]
    assert len(set(ids)) == len(ids)


@given(st.text(alphabet="ab \n.", max_size=3000), st.integers(50, 200))
def test_no_chunk_says_more_than_the_target_and_a_quarter(text, target):
    chunks = chunk_document("doc", _parsed(text, marked_up=False), target)
    assert all(len(chunk.text.strip()) <= target * 5 / 4 for chunk in chunks)


_spaced = st.lists(st.sampled_from(["\n\n", "\t" * 90, "# One\n", "- a\n", "word "]), max_size=30)


@given(_spaced.map("".join).filter(str.strip), st.integers(20, 400), st.booleans())
def test_no_passage_is_blank(text, target, marked_up):
    chunks = chunk_document("doc", _parsed(text, marked_up=marked_up), target)
    assert all(chunk.text.strip() for chunk in chunks)


def test_a_deep_list_has_no_blank_passages():
    text = "".join(f"{'    ' * depth}- item {depth}\n" for depth in range(60))
    passages = [passage.strip() for passage in _passages(text, target=80)]
    assert all(passages)
    assert "".join(passages).count("item") == 60


def test_blank_lines_above_the_first_heading_are_no_passage():
    (only,) = chunk_document("doc", _parsed("\n\n  # A\none\n"), 800)
    assert (only.start, only.heading) == (0, "A")


def test_headings_lead_to_each_passage():
    text = "intro\n# A\none\n## B\ntwo\n# C\nthree\n"
    headings = [chunk.heading for chunk in chunk_document("doc", _parsed(text), 800)]
    assert headings == ["", "A", "A > B", "C"]


def test_a_hash_inside_a_code_block_is_no_heading():
    text = "# A\n```sh\n# comment\n```\n"
    assert [chunk.heading for chunk in chunk_document("doc", _parsed(text), 800)] == ["A"]


def test_each_passage_knows_its_page():
    pages = (0, 12)
    chunks = chunk_document(
        "doc", _parsed("first page.\nsecond page.", pages, marked_up=False), 800
    )
    assert [chunk.page for chunk in chunks] == [1, 2]


def test_two_equal_passages_have_two_ids():
    chunks = chunk_document("doc", _parsed("# A\nsame\n# A\nsame\n"), 800)
    assert chunks[0].id != chunks[1].id


def test_an_underlined_heading_is_part_of_the_path():
    text = "Of the sea\n==========\n\nIntro.\n\nWhales\n------\n\nThey sing.\n"
    chunks = chunk_document("doc", _parsed(text), 400)
    assert [chunk.heading for chunk in chunks] == ["Of the sea", "Of the sea > Whales"]
    assert chunks[1].text.startswith("Whales")


def _passages(text, target=100, **given):
    return [chunk.text for chunk in chunk_document("doc", _parsed(text, **given), target)]


_FILLER = "This is a sentence of a text. "


@pytest.mark.parametrize(
    "question",
    [
        "Q: Can it save its cache?",
        "**May I?**",
        "\u8cea\u554f\uff1f",
        "\u0644\u0645\u0627\u0630\u0627\u061f",
        'Who said "why?"',
    ],
)
@pytest.mark.parametrize("gap", ["\n", "\n\n", "\n \n\n"])
@pytest.mark.parametrize("before", range(1, 5))
def test_a_question_and_its_answer_are_never_cut_apart(question, gap, before):
    text = f"{_FILLER * before}\n\n{question}{gap}A: Only while it runs.\n\n{_FILLER * 6}"
    assert any(question in passage and "A: Only" in passage for passage in _passages(text))


def test_a_statement_and_the_next_paragraph_may_be_cut_apart():
    text = f"{_FILLER * 2}\n\nIt can save its cache.\n\nA: Only while it runs.\n\n{_FILLER * 6}"
    assert not any("its cache" in passage and "A: Only" in passage for passage in _passages(text))


def test_a_list_of_questions_is_cut_at_its_lines():
    passages = _passages("Which harbour is that one?\n" * 20)
    assert max(map(len, passages)) <= 125
    assert all(passage.startswith("Which") for passage in passages)


def test_a_long_answer_is_cut_after_a_sentence_and_not_behind_its_question():
    question = "Which of the harbours has a lamp that burns by night and by day, in all winters?"
    first = _passages(f"Of lamps.\n\n{question}\n\n{_FILLER * 8}")[0]
    assert question in first
    assert first.rstrip().endswith("of a text.")


def test_a_question_at_the_end_of_a_page_stays_with_the_answer_on_the_next():
    text = "May I?\n\nYes.\n\n"
    assert _passages(text, pages=(0, 8)) == [text]
    assert _passages(text.replace("?", "."), pages=(0, 8)) == ["May I.\n\n", "Yes.\n\n"]


def test_a_line_that_announces_stays_with_what_follows():
    text = f"{_FILLER * 3}\n\nDo this first:\n\n- Open the valve.\n\n{_FILLER * 4}"
    assert any("first:" in passage and "- Open" in passage for passage in _passages(text))


def test_a_block_of_code_stays_whole_up_to_twice_the_target():
    def found(lines):
        code = "```\n" + "run the thing\n\n" * lines + "```\n"
        return any(code in passage for passage in _passages(f"{_FILLER}\n\n{code}\n{_FILLER * 4}"))

    assert found(6)
    assert not found(40)


def test_a_heading_directly_above_a_deeper_one_is_no_passage_of_its_own():
    passages = _passages("# A\n\n## B\n\nText.\n")
    assert passages == ["# A\n\n## B\n\nText.\n"]


def test_front_matter_is_a_passage_of_its_own():
    assert _passages("---\ntitle: A\n---\nText.\n") == ["---\ntitle: A\n---\n", "Text.\n"]


def test_a_quoted_mail_is_a_passage_of_its_own():
    text = "Yes, on Monday.\n\nAnn wrote:\n> When?\n> On Monday?\n> Or later?\n\nBob\n"
    parsed = ParsedDocument(text, "title", "message/rfc822", (), marked_up=False)
    passages = [chunk.text for chunk in chunk_document("doc", parsed, 800)]
    assert [passage.split()[0] for passage in passages] == ["Yes,", "Ann", "Bob"]
    assert all("Bob" not in passage for passage in passages[:2])


def test_no_row_of_a_table_is_cut():
    rows = [f"Tank: Q-{n:03}; Pressure: {n * 7}; Wall: steel" for n in range(40)]
    passages = _passages("\n\n".join(rows), target=150, marked_up=False)
    assert [row for passage in passages for row in passage.split("\n\n") if row] == rows
