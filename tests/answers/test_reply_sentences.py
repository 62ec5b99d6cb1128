"""The sentences of a reply that is still being written: the same as those of the whole, in linear work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.answers import reply_sentences
from trimtab.answers.reply_sentences import ReplySentences, _cut

PARTS = [
    "It holds 100 entries. [1] ",
    "See Dr. Smith e.g. at 03:00 [2][3]! ",
    "\n- An item [1].\n- Another one. It goes on [2].\n",
    "\n# A heading\n",
    "\n```\ncode. Not a sentence. At all.\n```\n",
    "| a | b |\n|---|---|\n| 1. | 2. |\n",
    "Use C. # is a mark. | so is this | ok. - And this? ",
    "> Quoted text. It ends. ",
    "说完了。下一句！",  # noqa: RUF001 - stops of another language.
    "1. First. 2. Second. ",
    "no end",
]
SHAPES = {
    "sentences": "The cache holds 100 entries [1]. ",
    "no end": "word ",
    "stops only": "1.1.",
    "marks": "[1]",
    "code": "x = 1. \n",
    "items": "- One item. [1]\n",
    "rows": "| 1. | 2. |\n",
    "headings": "# Heading.\n",
}


def streamed(reply, size):
    written = ReplySentences()
    found = [s for at in range(0, len(reply), size) for s in written.feed(reply[at : at + size])]
    return [*found, *written.finish()]


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map("".join), st.integers(1, 9))
def test_written_piece_by_piece_a_reply_has_the_sentences_of_the_whole(reply, size):
    assert (
        " ".join(streamed(reply, size)).split()
        == " ".join(sentence.text for sentence in _cut(reply)).split()
    )


def test_sentences_come_when_the_next_one_has_begun():
    written = ReplySentences()
    assert written.feed("It holds 100 entries. [1") == []
    assert written.feed("] ") == []
    assert written.feed("It is cleared ") == ["It holds 100 entries [1]."]
    assert written.feed("at 03:00.") == []
    assert written.finish() == ["It is cleared at 03:00."]


def test_a_long_reply_does_not_make_its_sentences_late():
    written, sentence = ReplySentences(), "The cache holds 100 entries [1]. "
    for count in range(500):
        fresh = written.feed(sentence)
        assert len(fresh) == (1 if count else 0)


@pytest.fixture
def work(monkeypatch):
    """Count the characters that are cut into sentences."""
    counted, cut = [], reply_sentences.sentences

    def counting(text):
        counted.append(len(text))
        return cut(text)

    monkeypatch.setattr(reply_sentences, "sentences", counting)
    return counted


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fence", ["", "```\n"], ids=["plain", "fenced"])
def test_twice_the_reply_is_twice_the_work(work, shape, fence):
    totals = []
    for times in (400, 800):
        work.clear()
        streamed(fence + SHAPES[shape] * times, 3)
        totals.append(sum(work))
    length = len(SHAPES[shape]) * 400
    assert totals[0] <= 40 * length
    assert totals[1] <= 2.5 * totals[0]
