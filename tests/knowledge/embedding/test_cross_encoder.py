"""The shipped cross-encoder, with the scores that its original gives the same texts."""

import shutil

import numpy as np
import pytest

from trimtab.knowledge.embedding import CrossEncoder, reader
from trimtab.knowledge.embedding.model_files import TOKENIZER_FILE
from trimtab.knowledge.embedding.reader import load_reader
from trimtab.knowledge.errors import EmbedderUnavailable

QUESTION = "How many people live in Berlin?"
RIGHT = (
    "Berlin has a population of 3,520,031 registered inhabitants in an area of 891.82 square "
    "kilometers."
)
TEXTS = (
    RIGHT,
    "New York City is famous for the Metropolitan Museum of Art.",
    "Berlin is the capital of Germany.",
)


@pytest.fixture(scope="module")
def model():
    return load_reader()


def test_a_text_that_answers_scores_high_and_another_low(model):
    scores = model.score(QUESTION, TEXTS)
    assert scores[0] == pytest.approx(9.2, abs=0.5)
    assert scores[1] == pytest.approx(-11.2, abs=0.5)
    assert scores[1] < scores[2] < scores[0]


def test_the_other_texts_and_their_order_do_not_matter(model):
    long = f"{RIGHT} " * 3
    together = model.score(QUESTION, [*TEXTS, long])
    alone = [model.score(QUESTION, [text])[0] for text in (long, *reversed(TEXTS))]
    assert np.allclose(together, alone[::-1], atol=0.2)


def test_nothing_to_read_gives_no_scores(model):
    assert model.score(QUESTION, []).shape == (0,)
    assert np.isfinite(model.score("", ["", "x" * 9_000])).all()


def test_the_state_of_a_text_depends_on_it_and_on_the_question(model):
    states = model.states(QUESTION, [*TEXTS, ""])
    assert states.shape == (4, 384)
    assert not states[3].any()
    alone = model.states(QUESTION, TEXTS[1:2])[0]
    assert _cosine(states[1], alone) > 0.99
    assert _cosine(states[1], model.states("Is this about art?", TEXTS[1:2])[0]) < 0.95
    assert _cosine(states[0], states[1]) < 0.95


def _cosine(first, second):
    return first @ second / np.linalg.norm(first) / np.linalg.norm(second)


@pytest.mark.parametrize("name", ["model.bin", "head.npz"])
def test_damaged_files_are_told(tmp_path, name):
    folder = shutil.copytree(reader.__path__[0], tmp_path / "reader")
    (folder / name).write_bytes(b"damaged")
    with pytest.raises(EmbedderUnavailable, match="cross-encoder"):
        CrossEncoder(folder, TOKENIZER_FILE)
