"""Passages are a partition of the text, cut at its joints."""

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
    assert all(len(chunk.text.rstrip()) <= target * 5 / 4 for chunk in chunks)


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


def test_a_question_stays_with_its_answer():
    filler = "word " * 30 + "end."
    text = f"{filler}\n\nQ: Does the proxy keep its cache?\n\nA: No. {filler}\n\n{filler}\n"
    chunks = chunk_document("doc", _parsed(text, marked_up=False), 220)
    [asked] = [chunk.text for chunk in chunks if "Q: Does" in chunk.text]
    assert "A: No." in asked
    statement = text.replace("cache?", "cache.")
    cut = chunk_document("doc", _parsed(statement, marked_up=False), 220)
    [told] = [chunk.text for chunk in cut if "Q: Does" in chunk.text]
    assert "A: No." not in told
